import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goldenIds, goldens, goldenTokenizer, goldenTokenizerFile } from "./test-tokenizers.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Text of the kind that breaks tokenizers: white space, marks, digits, scripts, emoji, whole and broken special tokens. */
const nastyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom(" ", "  ", "\n", "\r\n", "\t", "\u00a0", "'s", "12", "e\u0301", "\u0323\u0301", "👩‍👩‍👧", "漢", "<|im_end|>", "<|im_", "<think>", "word"),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

describe.each(Object.keys(goldens.tokenizers))("Tokenizer against Hugging Face: %s", (name) => {
  const tokenizer = goldenTokenizer(name);

  it.each(goldens.cases)("$text", ({ text, ids }) => {
    const expected = goldenIds(ids, name);
    expect(tokenizer.encode(text, { special: true })).toEqual(expected.special);
    expect(tokenizer.encode(text)).toEqual(expected.plain);
    expect(tokenizer.encode(text, { special: true, addSpecial: true })).toEqual([...expected.prefix, ...expected.special]);
    expect(tokenizer.decode(expected.special)).toBe(expected.decoded);
    expect(tokenizer.decode(expected.special, { skipSpecial: true })).toBe(expected.skipped);
  });
});

describe("Tokenizer", () => {
  const tokenizer = goldenTokenizer();

  it("decodes what it encoded to the NFC of the text between added tokens", () => {
    const normalized = (text: string, addedTokens: RegExp): string =>
      text.split(addedTokens).map((part) => Buffer.from(part).toString().normalize("NFC")).join("");
    fc.assert(
      fc.property(nastyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(normalized(text, /(<think>)/));
        expect(tokenizer.decode(tokenizer.encode(text, { special: true }))).toBe(normalized(text, /(<\|im_end\|>|<think>)/));
      }),
    );
  });

  it("never makes a special token from plain text", () => {
    const special = new Set(tokenizer.addedTokens.filter((token) => token.special).map((token) => token.id));
    const contents = fc.constantFrom(...tokenizer.addedTokens.map((token) => token.content));
    fc.assert(
      fc.property(fc.array(fc.oneof(contents, nastyText)), (parts) => {
        expect(tokenizer.encode(parts.join("")).filter((id) => special.has(id))).toEqual([]);
      }),
    );
  });

  it("encodes segments as the joined text, whatever the cuts", () => {
    fc.assert(
      fc.property(fc.array(nastyText, { maxLength: 6 }), (texts) => {
        const segments = texts.map((text) => ({ text, trusted: true }));
        expect(tokenizer.encodeSegments(segments)).toEqual(tokenizer.encode(texts.join(""), { special: true }));
        const plain = texts.join("").replaceAll("<", "(");
        const mixed = Array.from(plain, (text, index) => ({ text, trusted: index % 3 === 0 }));
        if (!plain.includes("word")) expect(tokenizer.encodeSegments(mixed)).toEqual(tokenizer.encode(plain, { special: true }));
      }),
    );
  });

  it("finds added tokens in trusted segments only", () => {
    const end = tokenizer.tokenToId("<|im_end|>") as number;
    const plain = tokenizer.encode("<|im_end|>");
    expect(tokenizer.encodeSegments([{ text: "<|im_end|>", trusted: false }])).toEqual(plain);
    expect(tokenizer.encodeSegments([{ text: "<", trusted: false }, { text: "|im_end|>", trusted: true }])).toEqual(plain);
    expect(tokenizer.encodeSegments([{ text: "<|im_", trusted: true }, { text: "end|>", trusted: true }])).toEqual([end]);
    const withoutAddedTokens = Tokenizer.fromFiles({ tokenizer: { ...goldenTokenizerFile("qwen2"), added_tokens: [] } });
    const segments = [{ text: "<think>", trusted: false }, { text: "<|im_end|>", trusted: true }];
    expect(tokenizer.encodeSegments(segments)).toEqual([...withoutAddedTokens.encode("<think>"), end]);
  });

  it("tells ids, tokens, roles and its size", () => {
    const config = { bos_token: null, eos_token: "<|im_end|>", pad_token: { content: "<|endoftext|>", lstrip: false } };
    const configured = Tokenizer.fromFiles({ tokenizer: JSON.stringify(goldenTokenizerFile("qwen2")), config });
    expect(configured.specialTokens).toEqual({ endOfSequence: "<|im_end|>", padding: "<|endoftext|>" });
    expect(configured.idToToken(configured.tokenToId("Ġ") as number)).toBe("Ġ");
    expect(configured.tokenToId("no such token")).toBeUndefined();
    expect(configured.vocabularySize).toBe((configured.addedTokens.at(-1)?.id as number) + 1);
    expect(configured.decode([configured.vocabularySize + 5])).toBe("");
    for (const id of [-1, 1.5, Number.NaN]) expect(() => configured.decode([id])).toThrowError(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  it("reads vocab.json and merges.txt like tokenizer.json", () => {
    const { model, added_tokens } = goldenTokenizerFile("qwen2");
    const config = {
      tokenizer_class: "Qwen2Tokenizer",
      added_tokens_decoder: Object.fromEntries(added_tokens.map((token: any) => [String(token.id), token])),
    };
    const merges = ["#version: 0.2", ...model.merges.map((pair) => (pair as string[]).join(" ")), ""].join("\n");
    const legacy = Tokenizer.fromFiles({ vocabulary: model.vocab, merges, config });
    for (const { text, ids } of goldens.cases) expect(legacy.encode(text, { special: true })).toEqual(goldenIds(ids, "qwen2").special);
    expect(() => Tokenizer.fromFiles({ vocabulary: model.vocab, merges, config: { tokenizer_class: "LlamaTokenizer" } })).toThrowError(
      expect.objectContaining({ code: "UNSUPPORTED" }),
    );
  });
});

const folder = process.env["POLYWEN_TEST_TOKENIZER"];

describe("a published Qwen2 tokenizer", () => {
  it.skipIf(folder === undefined)("gives the published ids (set POLYWEN_TEST_TOKENIZER to a checkpoint folder; SKIPPED without it)", () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(folder as string, name), "utf8"));
    const tokenizer = Tokenizer.fromFiles({ tokenizer: read("tokenizer.json"), config: read("tokenizer_config.json") });
    const vectors: [string, number[]][] = [
      ["Hello world", [9707, 1879]],
      ["Hello, world!", [9707, 11, 1879, 0]],
      ["\n", [198]],
      ["\n\n", [271]],
      ["system", [8948]],
      ["<|im_start|>user\n", [151644, 872, 198]],
    ];
    for (const [text, ids] of vectors) expect(tokenizer.encode(text, { special: true })).toEqual(ids);
  });
});
