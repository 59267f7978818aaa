import type { Tokenizer } from "@polywen/tokenizer";
import { openModelSource } from "./model-source.ts";

/** The tokenizer of a model folder, of a GGUF file or of `"polywen/tiny"`, without its weights. Throws as `loadModel` does for these files. */
export async function openTokenizer(source: string): Promise<Tokenizer> {
  const { tokenizer, template } = await (await openModelSource(source, { mmproj: false })).loadTokenizer();
  template?.dispose();
  return tokenizer;
}
