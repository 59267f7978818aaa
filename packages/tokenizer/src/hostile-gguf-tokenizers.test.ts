import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Tokenizer } from "./tokenizer.ts";

const goldens = JSON.parse(readFileSync(new URL("goldens/sentence-piece.json", import.meta.url), "utf8"));
const llama = (): Record<string, any> => structuredClone(goldens.models.llama.metadata);
const tokens = "tokenizer.ggml.tokens";
const types = "tokenizer.ggml.token_type";
const scores = "tokenizer.ggml.scores";
const byteLevel = (fields: Record<string, any>): Record<string, any> => Object.assign(fields, { "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": [] });

/** A change to good metadata, the code of the error, and what its message must name. */
const cases: [string, (fields: Record<string, any>) => unknown, string, string][] = [
  ["no model", (fields) => delete fields["tokenizer.ggml.model"], "FILE_INVALID", "/tokenizer.ggml.model"],
  ["a model that is a number", (fields) => (fields["tokenizer.ggml.model"] = 3), "FILE_INVALID", "/tokenizer.ggml.model"],
  ["an unknown model", (fields) => (fields["tokenizer.ggml.model"] = "t5"), "UNSUPPORTED", "\"t5\""],
  ["an unknown pre-tokenizer", (fields) => (byteLevel(fields)["tokenizer.ggml.pre"] = "constructor"), "UNSUPPORTED", "\"constructor\""],
  ["no tokens", (fields) => delete fields[tokens], "FILE_INVALID", `/${tokens}`],
  ["no token at all", (fields) => (fields[tokens] = []), "FILE_INVALID", `/${tokens}`],
  ["tokens that are numbers", (fields) => (fields[tokens] = new Int32Array(5)), "FILE_INVALID", `/${tokens}`],
  ["a token that is a number", (fields) => (fields[tokens][7] = 7), "FILE_INVALID", `/${tokens}/7`],
  ["the same token twice", (fields) => (fields[tokens][301] = fields[tokens][300]), "FILE_INVALID", `/${tokens}/301`],
  ["too few types", (fields) => fields[types].pop(), "FILE_INVALID", `/${types}`],
  ["an unknown type", (fields) => (fields[types][9] = 7), "FILE_INVALID", `/${types}/9`],
  ["types as text", (fields) => (fields[types] = "1111"), "FILE_INVALID", `/${types}`],
  ["no scores", (fields) => delete fields[scores], "FILE_INVALID", `/${scores}`],
  ["too many scores", (fields) => fields[scores].push(1), "FILE_INVALID", `/${scores}`],
  ["a score that is no number", (fields) => (fields[scores] = Float32Array.from(fields[scores], (score: number, id) => (id === 5 ? Number.NaN : score))), "FILE_INVALID", `/${scores}/5`],
  ["byte token <0x-1>", (fields) => (fields[tokens][10] = "<0x-1>"), "FILE_INVALID", `/${tokens}/10`],
  ["byte token <0xZZ>", (fields) => (fields[tokens][10] = "<0xZZ>"), "FILE_INVALID", `/${tokens}/10`],
  ["a byte missing, and no unknown token", (fields) => { fields[types][0] = fields[types][10] = 1; fields[tokens][10] = "@@"; delete fields["tokenizer.ggml.unknown_token_id"]; }, "FILE_INVALID", `/${tokens}`],
  ["an id beyond the vocabulary", (fields) => (fields["tokenizer.ggml.eos_token_id"] = 480), "FILE_INVALID", "/tokenizer.ggml.eos_token_id"],
  ["a negative id", (fields) => (fields["tokenizer.ggml.bos_token_id"] = -1), "FILE_INVALID", "/tokenizer.ggml.bos_token_id"],
  ["a huge id", (fields) => (fields["tokenizer.ggml.padding_token_id"] = 2n ** 60n), "FILE_INVALID", "/tokenizer.ggml.padding_token_id"],
  ["a flag that is a number", (fields) => (fields["tokenizer.ggml.add_bos_token"] = 1), "FILE_INVALID", "/tokenizer.ggml.add_bos_token"],
  ["a begin token that is wanted but not named", (fields) => { byteLevel(fields)["tokenizer.ggml.add_bos_token"] = true; delete fields["tokenizer.ggml.bos_token_id"]; }, "FILE_INVALID", "/tokenizer.ggml.add_bos_token"],
  ["no merges", (fields) => delete byteLevel(fields)["tokenizer.ggml.merges"], "FILE_INVALID", "/tokenizer.ggml.merges"],
  ["merges of unknown tokens", (fields) => (byteLevel(fields)["tokenizer.ggml.merges"] = ["t h", "nope no"]), "FILE_INVALID", "/tokenizer.ggml.merges/"],
  ["a merge of one", (fields) => (byteLevel(fields)["tokenizer.ggml.merges"] = ["th"]), "FILE_INVALID", "/tokenizer.ggml.merges/0"],
  ["an overlong token to merge", (fields) => (fields[tokens][400] = "ab".repeat(200)), "FILE_INVALID", `/${tokens}/400`],
  ["an overlong control token", (fields) => (fields[tokens][1] = "<".repeat(300)), "FILE_INVALID", `/${tokens}/1`],
];

describe("hostile GGUF tokenizers", () => {
  it.each(cases)("%s", (_, change, code, place) => {
    const fields = llama();
    change(fields);
    expect(() => Tokenizer.fromGguf(new Map(Object.entries(fields)), "some/model.gguf")).toThrowError(
      expect.objectContaining({ code, message: expect.stringMatching(/some\/model\.gguf/) }),
    );
    expect(() => Tokenizer.fromGguf(new Map(Object.entries(fields)), "some/model.gguf")).toThrowError(place);
  });

  it.each([["one letter", "a"], ["spaces", " "], ["visible spaces", "\u2581"], ["words", "the quick "], ["unknown characters", "\u{2f80a}"]])(
    "encodes a megabyte of %s",
    (_, part) => {
      const tokenizer = Tokenizer.fromGguf(new Map(Object.entries(llama())), "model.gguf");
      const text = part.repeat(1e6 / Buffer.byteLength(part));
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.replaceAll("\u2581", " "));
    },
    30_000,
  );
});
