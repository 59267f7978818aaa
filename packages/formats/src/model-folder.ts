import { stat } from "node:fs/promises";
import { InvalidFileError, NotFoundError } from "@polywen/tensor";
import { findWeights } from "./checkpoint.ts";
import { findInFolder } from "./folder-file.ts";
import { readJsonObject, type JsonObject } from "./json-file.ts";

/** Paths of the files of a model, each undefined if the folder does not have it. */
export interface ModelFiles {
  /** `generation_config.json` */
  readonly generationConfig: string | undefined;
  /** `preprocessor_config.json`, else `processor_config.json`, for `readPreprocessorConfig`. */
  readonly preprocessorConfig: string | undefined;
  /** `video_preprocessor_config.json`, else `processor_config.json`, for `readVideoProcessorConfig`. */
  readonly videoPreprocessorConfig: string | undefined;
  /** `tokenizer.json` */
  readonly tokenizer: string | undefined;
  /** `tokenizer_config.json` */
  readonly tokenizerConfig: string | undefined;
  /** `vocab.json` and `merges.txt`, the older form of a byte-level BPE. */
  readonly vocabulary: string | undefined;
  readonly merges: string | undefined;
  /** `chat_template.jinja`, else `chat_template.json`; older models keep the template in `tokenizer_config.json`. */
  readonly chatTemplate: string | undefined;
  /** `model.safetensors`, else `model.safetensors.index.json`; `openCheckpoint` opens the folder. */
  readonly weights: string | undefined;
}

/** A folder in the layout of Hugging Face: `config.json` and what else is there. */
export interface ModelFolder {
  readonly path: string;
  readonly configPath: string;
  /** The whole of `config.json`, for the model family to interpret. */
  readonly config: JsonObject;
  /** `model_type` of `config.json`, for instance `qwen2`. */
  readonly modelType: string;
  readonly files: ModelFiles;
  /** What `preprocessor_config.json` would say, of a model whose format has no such file; see `readPreprocessor`. */
  readonly preprocessor?: JsonObject | undefined;
  /** What a user should know about the folder, in whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * Reads the `config.json` of a model folder and finds its other files; nothing else is read.
 * Throws NotFoundError, LimitExceededError, FileAccessError, InvalidFileError (also for links that lead out of the folder).
 */
export async function openModelFolder(folder: string): Promise<ModelFolder> {
  const isFolder = await stat(folder).then((status) => status.isDirectory(), () => false);
  if (!isFolder) throw new NotFoundError({ what: "Folder", name: folder });
  const configPath = await findInFolder(folder, "config.json");
  if (configPath === undefined) throw new NotFoundError({ what: "File", name: "config.json", where: folder }, { hint: "A model folder in the layout of Hugging Face is expected." });
  const config = await readJsonObject(configPath, "config");
  const modelType = config["model_type"];
  if (typeof modelType !== "string" || modelType === "") {
    throw new InvalidFileError({ file: configPath, problem: "the name of an architecture is expected", pointer: "/model_type" });
  }
  return { path: folder, configPath, config, modelType, files: await findFiles(folder), warnings: warningsAbout(config) };
}

async function findFiles(folder: string): Promise<ModelFiles> {
  const find = (name: string): Promise<string | undefined> => findInFolder(folder, name);
  return {
    generationConfig: await find("generation_config.json"),
    preprocessorConfig: (await find("preprocessor_config.json")) ?? (await find("processor_config.json")),
    videoPreprocessorConfig: (await find("video_preprocessor_config.json")) ?? (await find("processor_config.json")),
    tokenizer: await find("tokenizer.json"),
    tokenizerConfig: await find("tokenizer_config.json"),
    vocabulary: await find("vocab.json"),
    merges: await find("merges.txt"),
    chatTemplate: (await find("chat_template.jinja")) ?? (await find("chat_template.json")),
    weights: await findWeights(folder),
  };
}

function warningsAbout(config: JsonObject): string[] {
  if (!Object.hasOwn(config, "auto_map")) return [];
  return ["config.json names Python code of its own (auto_map). Polywen never executes code of a checkpoint; the architecture is taken from model_type."];
}
