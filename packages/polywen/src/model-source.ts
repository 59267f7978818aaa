import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { openCheckpoint, openGguf, openModelFolder, readQuantised, type Checkpoint, type GgufModel, type ModelFiles, type ModelFolder } from "@polywen/formats";
import { InvalidArgumentError } from "@polywen/tensor";
import { loadGgufTokenizer, loadTokenizer, type LoadedTokenizer } from "./loaded-tokenizer.ts";
import { resolveSource } from "./resolve-source.ts";

/** A model that was found, of whichever format; each of its parts is read when it is asked for. */
export interface ModelSource {
  /** Its configuration and small files; of a GGUF file, what a folder in the layout of Hugging Face would say. */
  readonly folder: ModelFolder;
  openCheckpoint(): Promise<Checkpoint>;
  loadTokenizer(): Promise<LoadedTokenizer>;
}

/** Which files a model is made of, where its name does not say it. */
export interface ModelSourceOptions {
  /**
   * Of a GGUF file of a vision-language model: the file with what it sees pictures with. Default: the only `mmproj*.gguf` beside
   * the model; `false`: none, and the model takes text alone.
   */
  readonly mmproj?: string | false | undefined;
}

/**
 * Opens a folder, a `.gguf` file, a `.safetensors` file (whose folder holds the rest of the model), or `"polywen/tiny"`.
 * Throws what `openModelFolder` and `openGguf` throw, and InvalidArgumentError for an mmproj beside anything but a GGUF file.
 */
export async function openModelSource(source: string, { mmproj }: ModelSourceOptions = {}): Promise<ModelSource> {
  const path = resolveSource(source);
  const isFile = (await stat(path)).isFile();
  if (isFile && !path.endsWith(".safetensors")) return sourceOf(await openGguf(path, { mmproj }));
  if (typeof mmproj === "string") throw new InvalidArgumentError({ argument: "mmproj", expected: "no mmproj for a model that is no GGUF file", received: mmproj });
  const folder = await openModelFolder(isFile ? dirname(path) : path);
  return { folder, openCheckpoint: async () => readQuantised(await openCheckpoint(path), folder.config, folder.configPath), loadTokenizer: () => loadTokenizer(folder) };
}

const noFiles: ModelFiles = {
  generationConfig: undefined,
  preprocessorConfig: undefined,
  videoPreprocessorConfig: undefined,
  tokenizer: undefined,
  tokenizerConfig: undefined,
  vocabulary: undefined,
  merges: undefined,
  chatTemplate: undefined,
  weights: undefined,
};

function sourceOf({ path, config, metadata, checkpoint, preprocessor, warnings }: GgufModel): ModelSource {
  const folder = { path, configPath: path, config, modelType: config["model_type"] as string, files: noFiles, preprocessor, warnings };
  return { folder, openCheckpoint: async () => checkpoint, loadTokenizer: async () => loadGgufTokenizer(metadata, path) };
}
