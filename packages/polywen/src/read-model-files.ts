import { openCheckpoint, openModelFolder, readGenerationConfig, type Checkpoint, type GenerationConfig, type ModelFolder } from "@polywen/formats";
import { InvalidFileError } from "@polywen/tensor";
import type { Family, MediaOptions } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import { loadTokenizer, type LoadedTokenizer } from "./loaded-tokenizer.ts";
import { resolveSource } from "./resolve-source.ts";

/** Everything of a model folder but its weights. */
export interface ModelFileContents extends LoadedTokenizer {
  readonly folder: ModelFolder;
  readonly family: Family;
  readonly checkpoint: Checkpoint;
  readonly generationConfig: GenerationConfig | undefined;
  /** Tokens that end a reply. */
  readonly stopTokens: ReadonlySet<number>;
}

/** Reads and checks the small files of a model, and the headers of its weights. */
export async function readModelFiles(source: string, media: MediaOptions): Promise<ModelFileContents> {
  const folder = await openModelFolder(resolveSource(source));
  const family = await loadFamily(folder, media);
  const checkpoint = await openCheckpoint(folder.path);
  const { generationConfig: path } = folder.files;
  const generationConfig = path === undefined ? undefined : await readGenerationConfig(path);
  const loaded = await loadTokenizer(folder);
  const { vocabularySize, eosTokenIds } = family.text;
  if (loaded.tokenizer.vocabularySize > vocabularySize) {
    loaded.template?.dispose();
    const problem = `the model has ${vocabularySize} ids, but the tokenizer uses ${loaded.tokenizer.vocabularySize}`;
    throw new InvalidFileError({ file: folder.configPath, problem, pointer: "/vocab_size" }, { hint: "The tokenizer and the weights belong to different models." });
  }
  // generation_config.json knows the tokens that end a turn of a chat; config.json often names the end of a text only.
  const proposed = generationConfig?.eosTokenIds ?? [];
  const stopTokens = new Set(proposed.length > 0 ? proposed : [...eosTokenIds, ...endToken(loaded)]);
  return { folder, family, checkpoint, ...loaded, generationConfig, stopTokens };
}

function endToken({ tokenizer }: LoadedTokenizer): number[] {
  const { endOfSequence } = tokenizer.specialTokens;
  const id = endOfSequence === undefined ? undefined : tokenizer.tokenToId(endOfSequence);
  return id === undefined ? [] : [id];
}
