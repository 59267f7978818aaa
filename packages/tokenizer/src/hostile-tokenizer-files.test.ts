import { describe, expect, it } from "vitest";
import { combiningMarkLimit } from "./normalize.ts";
import { vocabularyLimit } from "./parse-bpe-model.ts";
import { goldenTokenizer, goldenTokenizerFile } from "./test-tokenizers.ts";
import { textLimit, Tokenizer } from "./tokenizer.ts";

const cycle: { type: string; normalizers: unknown[] } = { type: "Sequence", normalizers: [] };
cycle.normalizers.push(cycle);

/** A change to a good tokenizer.json, the code of the error and the JSON pointer that it must name. */
const cases: [string, (file: any) => unknown, string, string][] = [
  ["not an object", () => [], "FILE_INVALID", ""],
  ["not JSON", () => "{", "FILE_INVALID", ""],
  ["empty", () => "", "FILE_INVALID", ""],
  ["no model", (file) => void delete file.model, "FILE_INVALID", "/model"],
  ["unknown model", (file) => void (file.model.type = "Unigram"), "UNSUPPORTED", "/model/type"],
  ["word suffix", (file) => void (file.model.end_of_word_suffix = "</w>"), "UNSUPPORTED", "/model/end_of_word_suffix"],
  ["dropout", (file) => void (file.model.dropout = 0.1), "UNSUPPORTED", "/model/dropout"],
  ["vocabulary is a list", (file) => void (file.model.vocab = []), "FILE_INVALID", "/model/vocab"],
  ["negative id", (file) => void (file.model.vocab["!"] = -1), "FILE_INVALID", "/model/vocab/!"],
  ["fractional id", (file) => void (file.model.vocab["/"] = 1.5), "FILE_INVALID", "/model/vocab/~1"],
  ["huge id", (file) => void (file.model.vocab["~"] = 2 ** 40), "FILE_INVALID", "/model/vocab/~0"],
  ["id is text", (file) => void (file.model.vocab["!"] = "1"), "FILE_INVALID", "/model/vocab/!"],
  ["duplicate id", (file) => void (file.model.vocab["\""] = 0), "FILE_INVALID", "/model/vocab/\""],
  ["merge of unknown tokens", (file) => void file.model.merges.push("nope nope"), "FILE_INVALID", "/model/merges/"],
  ["merge without a result", (file) => void (file.model.merges = [["!", "!"]]), "FILE_INVALID", "/model/merges/0"],
  ["merge of three", (file) => void (file.model.merges = ["a b c"]), "FILE_INVALID", "/model/merges/0"],
  ["merge is a number", (file) => void (file.model.merges = [5]), "FILE_INVALID", "/model/merges/0"],
  ["empty added token", (file) => void (file.added_tokens[0].content = ""), "FILE_INVALID", "/added_tokens/0/content"],
  ["overlong added token", (file) => void (file.added_tokens[0].content = "x".repeat(300)), "FILE_INVALID", "/added_tokens/0/content"],
  ["half a character", (file) => void (file.added_tokens[0].content = "\uD800"), "FILE_INVALID", "/added_tokens/0/content"],
  ["added id beyond the limit", (file) => void (file.added_tokens[0].id = 2 ** 31), "FILE_INVALID", "/added_tokens/0/id"],
  ["added id of another token", (file) => void (file.added_tokens[0].id = 5), "FILE_INVALID", "/added_tokens/0/id"],
  ["one added token, two ids", (file) => void file.added_tokens.push({ ...file.added_tokens[0], id: 9999 }), "FILE_INVALID", "/added_tokens/10/id"],
  ["unknown normalizer", (file) => void (file.normalizer = { type: "Precompiled" }), "UNSUPPORTED", "/normalizer"],
  ["cyclic normalizer", (file) => void (file.normalizer = cycle), "FILE_INVALID", "/normalizer/normalizers/0"],
  ["catastrophic pattern", (file) => void (file.pre_tokenizer.pretokenizers[0].pattern.Regex = "(a+)+$"), "UNSUPPORTED", "/pre_tokenizer/pretokenizers/0/pattern/Regex"],
  ["split by nothing", (file) => void (file.pre_tokenizer.pretokenizers[0].pattern = { String: "" }), "FILE_INVALID", "/pre_tokenizer/pretokenizers/0/pattern/String"],
  ["split by neither", (file) => void (file.pre_tokenizer.pretokenizers[0].pattern = {}), "FILE_INVALID", "/pre_tokenizer/pretokenizers/0/pattern/Regex"],
  ["other split behaviour", (file) => void (file.pre_tokenizer.pretokenizers[0].behavior = "Scattered"), "UNSUPPORTED", "/pre_tokenizer/pretokenizers/0/behavior"],
  ["a split after ByteLevel", (file) => void file.pre_tokenizer.pretokenizers.reverse(), "UNSUPPORTED", "/pre_tokenizer/pretokenizers/0"],
  ["unknown pre-tokenizer", (file) => void (file.pre_tokenizer = { type: "UnicodeScripts" }), "UNSUPPORTED", "/pre_tokenizer"],
  ["thousands of steps", (file) => void (file.normalizer = { type: "Sequence", normalizers: new Array(5000).fill({ type: "NFC" }) }), "FILE_INVALID", "/normalizer"],
  ["a replacement by a regular expression", (file) => void (file.normalizer = { type: "Replace", pattern: { Regex: "(a+)+$" }, content: "b" }), "UNSUPPORTED", "/normalizer/pattern/Regex"],
  ["a replacement of nothing", (file) => void (file.normalizer = { type: "Replace", pattern: { String: "" }, content: "b" }), "FILE_INVALID", "/normalizer/pattern/String"],
  ["an endless replacement", (file) => void (file.normalizer = { type: "Replace", pattern: { String: "a" }, content: "b".repeat(1000) }), "FILE_INVALID", "/normalizer/content"],
  ["no pre-tokenizer, but a decoder of bytes", (file) => void (file.pre_tokenizer = null), "UNSUPPORTED", "/decoder"],
  ["more added tokens than fit", (file) => void (file.added_tokens = Array.from({ length: 5000 }, (_, id) => ({ id: id + 9999, content: `${id}`.padEnd(250) }))), "FILE_INVALID", "/added_tokens"],
  ["other decoder", (file) => void (file.decoder = { type: "Metaspace" }), "UNSUPPORTED", "/decoder"],
  ["other post-processor", (file) => void (file.post_processor = { type: "BertProcessing" }), "UNSUPPORTED", "/post_processor"],
  ["template without sequence", (file) => void (file.post_processor = { type: "TemplateProcessing", single: [], special_tokens: {} }), "FILE_INVALID", "/post_processor/single"],
];

describe("hostile tokenizer files", () => {
  it.each(cases)("%s", (_, change, code, pointer) => {
    const file = goldenTokenizerFile("qwen2");
    const tokenizer = change(file) ?? file;
    const error = caught(() => Tokenizer.fromFiles({ tokenizer, folder: "some/model" }));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain("some/model/tokenizer.json");
    if (code === "FILE_INVALID") expect(error.facts.pointer.startsWith(pointer)).toBe(true);
    else expect(error.message).toContain(` at ${pointer}: `);
  });

  it("refuses a vocabulary or merges of more than two million entries", () => {
    const file = goldenTokenizerFile("qwen2");
    const pointer = (): unknown => caught(() => Tokenizer.fromFiles({ tokenizer: file })).facts.pointer;
    file.model.merges = new Array(vocabularyLimit + 1).fill("a b");
    expect(pointer()).toBe("/model/merges");
    // Numbers as names: objects hold millions of them ten times as fast as other names.
    file.model.vocab = Object.fromEntries(new Uint32Array(vocabularyLimit + 1).entries()) as typeof file.model.vocab;
    expect(pointer()).toBe("/model/vocab");
  }, 60_000);

  it("refuses a role for a token that is not there, and conflicting ids in tokenizer_config.json", () => {
    const tokenizer = goldenTokenizerFile("qwen2");
    const pointerOf = (config: unknown): unknown => caught(() => Tokenizer.fromFiles({ tokenizer, config })).facts.pointer;
    expect(pointerOf({ eos_token: "<nope>" })).toBe("/eos_token");
    expect(pointerOf({ eos_token: { content: "<nope>" } })).toBe("/eos_token/content");
    expect(pointerOf({ added_tokens_decoder: { "3": { content: "<|im_end|>" } } })).toBe("/added_tokens_decoder/3");
    expect(pointerOf({ added_tokens_decoder: { x: { content: "y" } } })).toBe("/added_tokens_decoder/x");
  });

  it("takes tokens called __proto__ and constructor as tokens", () => {
    const text = JSON.stringify(goldenTokenizerFile("qwen2")).replace('"vocab":{', '"vocab":{"__proto__":5000,"constructor":5001,');
    const tokenizer = Tokenizer.fromFiles({ tokenizer: text });
    expect([tokenizer.tokenToId("__proto__"), tokenizer.tokenToId("constructor"), tokenizer.tokenToId("toString")]).toEqual([5000, 5001, undefined]);
  });
});

describe("hostile text", { timeout: 30_000 }, () => {
  const qwen2 = goldenTokenizer("qwen2");
  const gpt2 = goldenTokenizer("gpt2");

  it.each([
    ["10 MB of one letter", "a".repeat(1e7), "LIMIT_EXCEEDED"],
    ["10 MB of spaces", " ".repeat(1e7), "LIMIT_EXCEEDED"],
    ["five million marks", "\u0301".repeat(5e6), "LIMIT_EXCEEDED"],
    ["more text than the limit", "ab ".repeat(textLimit / 3 + 1), "LIMIT_EXCEEDED"],
    ["not a string", 5 as unknown as string, "ARGUMENT_INVALID"],
  ])("refuses %s", (_, text, code) => {
    for (const tokenizer of [qwen2, gpt2]) expect(caught(() => tokenizer.encode(text))).toMatchObject({ code });
  });

  it.each([
    ["a word of a million letters", "ab".repeat(5e5)],
    ["a million digits", "7".repeat(1e6)],
    ["a million marks, which GPT-2 does not normalise", "\u0301".repeat(1e6)],
    ["as many marks in a row as allowed", "a" + "\u0323".repeat(combiningMarkLimit)],
    ["a million newlines", "\n".repeat(1e6)],
    ["a million starts of special tokens", "<|im_".repeat(2e5)],
    ["NUL", "\0a\0"],
  ])("encodes %s", (_, text) => {
    expect(gpt2.decode(gpt2.encode(text, { special: true }))).toBe(text);
  });

  it("refuses more marks in a row than it can put in order, if it must", () => {
    const text = "a" + "\u0301\u0323".repeat(5e5);
    expect(caught(() => qwen2.encode(text))).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect(gpt2.decode(gpt2.encode(text))).toBe(text);
  });

  it("encodes half surrogate pairs as U+FFFD, also between segments", () => {
    expect(qwen2.decode(qwen2.encode("a\uD83Db\uDE00"))).toBe("a\uFFFDb\uFFFD");
    const segments = [{ text: "\uD83D", trusted: true }, { text: "\uDE00", trusted: false }];
    expect(qwen2.decode(qwen2.encodeSegments(segments))).toBe("😀");
  });
});

function caught(act: () => unknown): any {
  try {
    act();
  } catch (error) {
    return error;
  }
  return expect.unreachable("nothing was thrown");
}
