import { TextList } from "@polywen/tensor";
import { describe, expect, it } from "vitest";
import { Vocabulary } from "./vocabulary.ts";

const refuse = (id: number, earlier: number): never => {
  throw new RangeError(`${id} is ${earlier}`);
};

describe("Vocabulary", () => {
  const texts = ["a", "", "ab", "é", "<pad>", "\ud83d\ude00", ""];
  const make = (): Vocabulary => new Vocabulary(TextList.from(texts), refuse);

  it("finds ids by texts and texts by ids", () => {
    const vocabulary = make();
    expect(texts.map((text) => vocabulary.get(text))).toEqual([0, undefined, 2, 3, 4, 5, undefined]);
    expect([...vocabulary]).toEqual([["a", 0], ["ab", 2], ["é", 3], ["<pad>", 4], ["😀", 5]]);
    expect(["b", "abc", "A", " a"].some((text) => vocabulary.has(text))).toBe(false);
    expect([-1, 1, 6, 7].map((id) => vocabulary.textOf(id))).toEqual([undefined, undefined, undefined, undefined]);
    expect(vocabulary.size).toBe(6);
  });

  it("forgets what is taken out, and nothing else", () => {
    const vocabulary = make();
    vocabulary.remove(5);
    vocabulary.remove(4);
    expect(texts.map((text) => vocabulary.get(text))).toEqual([0, undefined, 2, 3, undefined, undefined, undefined]);
    expect(vocabulary.textOf(4)).toBeUndefined();
    expect(vocabulary.size).toBe(4);
  });

  it("refuses a text that is there already", () => {
    expect(() => new Vocabulary(TextList.from(["x", "", "", "y", "x"]), refuse)).toThrow("4 is 0");
  });

  it("tells a hundred thousand texts apart", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => index.toString(36));
    const vocabulary = new Vocabulary(TextList.from(many), refuse);
    expect(many.every((text, id) => vocabulary.get(text) === id)).toBe(true);
    expect(vocabulary.has("zzzzz")).toBe(false);
  });
});
