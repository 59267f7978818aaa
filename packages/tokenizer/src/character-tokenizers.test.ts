import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { IncrementalDecoder } from "./incremental-decoder.ts";
import { Tokenizer } from "./tokenizer.ts";

interface Golden {
  readonly change: { readonly model?: object };
  readonly ids: number[][];
  readonly decoded: string[];
}

/** Made by `scripts/make-sentence-piece-goldens.py` with Hugging Face `tokenizers`. */
const { texts, file, files }: { texts: string[]; file: { model: object }; files: Record<string, Golden> } = JSON.parse(
  readFileSync(new URL("goldens/sentence-piece.json", import.meta.url), "utf8"),
);

describe.each(Object.entries(files))("BPE over characters against Hugging Face: %s", (_, { change, ids, decoded }) => {
  const tokenizer = Tokenizer.fromFiles({ tokenizer: { ...file, ...change, model: { ...file.model, ...change.model } } });

  it.each(texts.map((text, index) => ({ text, index })))("$text", ({ text, index }) => {
    const expected = ids[index] as number[];
    expect(tokenizer.encode(text, { special: true })).toEqual(expected);
    // Hugging Face writes U+FFFD once for every byte of a broken character, we once for every broken character.
    const whole = tokenizer.decode(expected);
    if (!decoded[index]?.includes("\ufffd")) expect(whole).toBe(decoded[index]);
    const decoder = new IncrementalDecoder(tokenizer);
    expect(expected.map((id) => decoder.push(id)).join("") + decoder.flush()).toBe(whole);
  });
});
