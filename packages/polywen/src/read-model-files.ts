import { resolveSampling, type SamplingOptions } from "@polywen/core";
import { readGenerationConfig, type Checkpoint, type GenerationConfig, type ModelFolder } from "@polywen/formats";
import { InvalidFileError, PolywenError } from "@polywen/tensor";
import type { Family, MediaOptions } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import type { LoadedTokenizer } from "./loaded-tokenizer.ts";
import { openModelSource, type ModelSourceOptions } from "./model-source.ts";

/** Everything of a model but its weights. */
export interface ModelFileContents extends LoadedTokenizer {
  readonly folder: ModelFolder;
  readonly family: Family;
  readonly checkpoint: Checkpoint;
  /** What generation_config.json proposes; without `do_sample` a checkpoint means greedy decoding. */
  readonly sampling: SamplingOptions;
  /** Tokens that end a reply. */
  readonly stopTokens: ReadonlySet<number>;
}

/** Reads and checks the small files of a model, and the headers of its weights. */
export async function readModelFiles(source: string, media: MediaOptions, options: ModelSourceOptions = {}): Promise<ModelFileContents> {
  const opened = await openModelSource(source, options);
  const { folder } = opened;
  const family = await loadFamily(folder, media);
  const checkpoint = await opened.openCheckpoint();
  const { generationConfig: path } = folder.files;
  const generationConfig = path === undefined ? undefined : await readGenerationConfig(path);
  const sampling = proposedSampling(generationConfig, path);
  const loaded = await opened.loadTokenizer();
  const { vocabularySize, eosTokenIds } = family.text;
  if (loaded.tokenizer.vocabularySize > vocabularySize) {
    loaded.template?.dispose();
    const problem = `the model has ${vocabularySize} ids, but the tokenizer uses ${loaded.tokenizer.vocabularySize}`;
    throw new InvalidFileError({ file: folder.configPath, problem, pointer: "/vocab_size" }, { hint: "The tokenizer and the weights belong to different models." });
  }
  // generation_config.json knows the tokens that end a turn of a chat; config.json often names the end of a text only.
  const proposed = generationConfig?.eosTokenIds ?? [];
  const stopTokens = new Set(proposed.length > 0 ? proposed : [...eosTokenIds, ...loaded.tokenizer.stopTokens]);
  return { folder, family, checkpoint, ...loaded, sampling, stopTokens };
}

function proposedSampling(config: GenerationConfig | undefined, file: string | undefined): SamplingOptions {
  const { temperature, topK, topP, minP, repetitionPenalty, doSample } = config ?? {};
  const sampling = doSample === true ? { temperature, topK, topP, minP, repetitionPenalty } : { temperature: 0, repetitionPenalty };
  try {
    resolveSampling({}, sampling);
  } catch (error) {
    if (!PolywenError.isInstance(error) || file === undefined) throw error;
    throw new InvalidFileError({ file, problem: `expected ${String(error.facts["expected"])} for ${String(error.facts["argument"])}` }, { cause: error });
  }
  return sampling;
}
