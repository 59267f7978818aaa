import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { IncrementalDecoder } from "../incremental-decoder.ts";
import { goldenIds, goldens, goldenTokenizerFile } from "../test-tokenizers.ts";
import { Tokenizer } from "../tokenizer.ts";
import { tokenTypes } from "./gguf-description.ts";

interface SentencePieceGoldens {
  readonly texts: string[];
  readonly models: Record<string, { readonly metadata: Record<string, unknown>; readonly ids: number[][]; readonly decoded: string[] }>;
}

/** Made by `scripts/make-sentence-piece-goldens.py` with SentencePiece. */
const sentencePiece: SentencePieceGoldens = JSON.parse(readFileSync(new URL("../goldens/sentence-piece.json", import.meta.url), "utf8"));

type Fields = Record<string, unknown>;

/** What a GGUF file made from one of the golden tokenizer.json files would say. */
function byteLevelFields(name: string, pre: string): Fields {
  const { model, added_tokens } = goldenTokenizerFile(name);
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(model.vocab)) tokens[id as number] = token;
  const types: number[] = tokens.map(() => tokenTypes.normal);
  for (const { content, id, special } of added_tokens) {
    tokens[id as number] = content as string;
    types[id as number] = special === true ? tokenTypes.control : tokenTypes.userDefined;
  }
  const merges = model.merges.map((pair) => (Array.isArray(pair) ? pair.join(" ") : pair));
  return { model: "gpt2", pre, tokens, token_type: Int32Array.from(types), merges, eos_token_id: tokens.indexOf("<|im_end|>") };
}

const metadata = (fields: Fields): Map<string, unknown> => new Map(Object.entries(fields).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));
const withoutPrefix = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).map(([key, value]) => [key.replace("tokenizer.ggml.", ""), value]));

/** Added tokens that strip or need boundaries cannot be told in GGUF, and llama.cpp does not normalise. */
const tellable = (text: string): boolean => !/<mask>|<tail>|word|caf|cafe/.test(text) && text.normalize("NFC") === text;

describe.each([["qwen2", "qwen2"], ["llama3", "llama-bpe"], ["smollm", "smollm"], ["gpt2", "gpt-2"]])("a GGUF tokenizer against Hugging Face: %s", (name, pre) => {
  const tokenizer = Tokenizer.fromGguf(metadata(byteLevelFields(name, pre)), "model.gguf");

  it.each(goldens.cases.filter(({ text }) => tellable(text)))("$text", ({ text, ids }) => {
    const expected = goldenIds(ids, name);
    expect(tokenizer.encode(text, { special: true })).toEqual(expected.special);
    expect(tokenizer.encode(text)).toEqual(expected.plain);
    expect(tokenizer.decode(expected.special)).toBe(expected.decoded);
    expect(tokenizer.decode(expected.special, { skipSpecial: true })).toBe(expected.skipped);
  });
});

describe.each(Object.entries(sentencePiece.models))("a GGUF tokenizer against SentencePiece: %s", (name, { metadata: fields, ids, decoded }) => {
  const tokenizer = Tokenizer.fromGguf(new Map(Object.entries(fields)), "model.gguf");

  // SentencePiece takes a visible space in the text for one that it may leave out.
  const cases = sentencePiece.texts.map((text, index) => ({ text, index })).filter(({ text }) => name !== "one-space" || !text.includes("\u2581"));

  it.each(cases)("$text", ({ text, index }) => {
    const expected = ids[index] as number[];
    // SentencePiece puts no second prefix after a token that users defined; llama.cpp does, so that only those tokens can be compared.
    const defined = (id: number): boolean => (fields["tokenizer.ggml.token_type"] as number[])[id] === tokenTypes.userDefined;
    if (expected.some(defined)) {
      expect(tokenizer.encode(text, { special: true }).filter(defined)).toEqual(expected.filter(defined));
      return;
    }
    expect(tokenizer.encode(text)).toEqual(expected);
    if (!expected.includes(tokenizer.tokenToId("<unk>") as number) && !text.includes("\ufffd")) expect(tokenizer.decode(expected)).toBe(decoded[index]);
    const decoder = new IncrementalDecoder(tokenizer);
    expect(expected.map((id) => decoder.push(id)).join("") + decoder.flush()).toBe(tokenizer.decode(expected));
  });
});

describe("a GGUF tokenizer", () => {
  const llama = withoutPrefix(sentencePiece.models["llama"]?.metadata ?? {});
  const build = (fields: Fields): Tokenizer => Tokenizer.fromGguf(metadata(fields), "model.gguf");

  it("puts the tokens around a text that the file asks for, or that its kind has", () => {
    expect(build(llama).encode("", { addSpecial: true })).toEqual([1]);
    expect(build({ ...llama, add_bos_token: false, add_eos_token: true }).encode("", { addSpecial: true })).toEqual([2]);
    const bytes = byteLevelFields("llama3", "llama-bpe");
    expect(build({ ...bytes, bos_token_id: 7 }).encode("", { addSpecial: true })).toEqual([7]);
    expect(build({ ...bytes, pre: "qwen2", bos_token_id: 7 }).encode("", { addSpecial: true })).toEqual([]);
  });

  it("never makes a control token from text", () => {
    const tokenizer = build(llama);
    expect(tokenizer.encode("<s></s>").some((id) => id === 1 || id === 2)).toBe(false);
    expect(tokenizer.encode("<s>x", { special: true })[0]).toBe(1);
    const bytes = byteLevelFields("llama3", "llama-bpe");
    const tokens = [...(bytes["tokens"] as string[]), "Secret"];
    const types = Int32Array.from([...(bytes["token_type"] as Int32Array), tokenTypes.control]);
    expect(build({ ...bytes, tokens, token_type: types }).encode("Secret")).not.toContain(tokens.length - 1);
  });

  it("knows the tokens that end a turn", () => {
    const bytes = byteLevelFields("qwen2", "qwen2");
    const idOf = (token: string): number => (bytes["tokens"] as string[]).indexOf(token);
    expect(build(bytes).stopTokens).toEqual([idOf("<|im_end|>"), idOf("<|endoftext|>")].sort((a, b) => a - b));
    expect(build({ ...bytes, eot_token_id: 3, eom_token_id: 4 }).stopTokens).toEqual(expect.arrayContaining([3, 4]));
    expect(build(bytes).specialTokens).toEqual({ endOfSequence: "<|im_end|>" });
  });

  it("ignores rows of padding and bytes without a token", () => {
    const bytes = byteLevelFields("qwen2", "qwen2");
    const tokens = (bytes["tokens"] as string[]).map((token) => (token === "ą" ? "[PAD9]" : token));
    const types = Int32Array.from(bytes["token_type"] as Int32Array);
    types[tokens.indexOf("[PAD9]")] = tokenTypes.unused;
    const merges = (bytes["merges"] as string[]).filter((merge) => !merge.includes("ą"));
    const tokenizer = build({ ...bytes, tokens, token_type: types, merges });
    expect(tokenizer.encode("a\u0005b")).toEqual(tokenizer.encode("a").concat(tokenizer.encode("b")));
    expect(tokenizer.decode([tokens.indexOf("[PAD9]")])).toBe("");
  });
});
