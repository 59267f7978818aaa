import { describe, expect, it } from "vitest";
import { TextList } from "./text-list.ts";

describe("TextList", () => {
  it("gives back the texts it was made from", () => {
    const texts = ["", "plain", "\ufeffé\u{1f600}", "", "ü"];
    const list = TextList.from(texts);
    expect([...list]).toEqual(texts);
    expect(list.length).toBe(5);
    expect(list.at(5)).toBeUndefined();
    expect(list.bytes.length).toBe(Buffer.byteLength(texts.join("")));
    expect(TextList.from(["a\ud800b"]).at(0)).toBe("a\ufffdb");
  });

  it("leaves out what lies between the texts", () => {
    expect([...new TextList(Uint8Array.from([255, 97, 98, 255, 99]), Uint32Array.from([1, 3, 4, 5]))]).toEqual(["ab", "c"]);
  });
});
