import { readFileSync } from "node:fs";
import { Tokenizer } from "./tokenizer.ts";

interface GoldenIds {
  readonly special: number[];
  readonly plain: number[];
  readonly prefix: number[];
  readonly decoded: string;
  readonly skipped: string;
}

interface GoldenFile {
  readonly model: object;
  readonly tokenizers: Record<string, { readonly model: object } & Record<string, unknown>>;
  readonly cases: { readonly text: string; readonly ids: Record<string, Partial<GoldenIds>> }[];
}

/** Made by `scripts/make-goldens.py` with Hugging Face `tokenizers`. */
export const goldens: GoldenFile = JSON.parse(readFileSync(new URL("goldens/tokenizer.json", import.meta.url), "utf8"));

/** A tokenizer.json that tests may spoil in any way. */
export interface TokenizerFileJson {
  model?: Record<string, unknown> & { vocab: Record<string, unknown>; merges: unknown[] };
  added_tokens: Record<string, unknown>[];
  normalizer: unknown;
  pre_tokenizer: { pretokenizers: Record<string, unknown>[] } | null;
  post_processor: unknown;
  decoder: unknown;
}

/** A fresh copy of one of the tokenizer.json files in the goldens: qwen2, llama3, smollm or gpt2. */
export function goldenTokenizerFile(name: string): Required<TokenizerFileJson> {
  const file = structuredClone(goldens.tokenizers[name]);
  return { ...file, model: { ...file?.model, ...structuredClone(goldens.model) } } as Required<TokenizerFileJson>;
}

export function goldenTokenizer(name = "qwen2"): Tokenizer {
  return Tokenizer.fromFiles({ tokenizer: goldenTokenizerFile(name) });
}

/** What Hugging Face gives for a case; the file leaves out what equals the first tokenizer's result. */
export function goldenIds(ids: Record<string, Partial<GoldenIds>>, name: string): GoldenIds {
  return { ...ids["qwen2"], ...ids[name] } as GoldenIds;
}
