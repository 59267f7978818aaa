import { openModelFolder } from "@polywen/formats";
import type { Tokenizer } from "@polywen/tokenizer";
import { loadTokenizer } from "./loaded-tokenizer.ts";
import { resolveSource } from "./resolve-source.ts";

/** The tokenizer of a model folder or of `"polywen/tiny"`, without its weights. Throws as `loadModel` does for these files. */
export async function openTokenizer(source: string): Promise<Tokenizer> {
  const { tokenizer, template } = await loadTokenizer(await openModelFolder(resolveSource(source)));
  template?.dispose();
  return tokenizer;
}
