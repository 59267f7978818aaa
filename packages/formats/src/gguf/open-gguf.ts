import { InvalidFileError } from "@polywen/tensor";
import { Checkpoint } from "../checkpoint.ts";
import type { JsonObject } from "../json-file.ts";
import { jsonPointer } from "../json-pointer.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import { configFromGguf, ggufArchitecture } from "./gguf-config.ts";
import { readGgufParts } from "./gguf-parts.ts";
import { frequencyDivisorsTensor, renameGgufTensors } from "./gguf-tensors.ts";
import type { GgufValue } from "./gguf-value.ts";
import { findProjector } from "./mmproj/find-projector.ts";
import { joinProjector } from "./mmproj/join-projector.ts";

/** A model in GGUF, as the rest of Polywen knows models. */
export interface GgufModel {
  /** The file that was opened. */
  readonly path: string;
  /** All keys of the (first) file, the tokenizer's among them. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** What config.json of Hugging Face would say; see `configFromGguf`. */
  readonly config: JsonObject;
  /** The tensors under their names in Hugging Face; experts are stacked as [experts, out, in]. */
  readonly checkpoint: Checkpoint;
  /** What preprocessor_config.json would say, of a model with an mmproj. */
  readonly preprocessor: JsonObject | undefined;
  /** What a user should know, in whole sentences. */
  readonly warnings: readonly string[];
}

/** Options of `openGguf`. */
export interface OpenGgufOptions {
  /** The file of the towers and their projectors. Default: the only mmproj beside the model, if the model takes one; `false`: none, for text alone. */
  readonly mmproj?: string | false | undefined;
}

/**
 * Opens a model in one GGUF file or in parts (`…-00001-of-00003.gguf`, any of them). Reads headers only, and the few
 * numbers of `rope_freqs.weight`. Throws as `readGgufHeader` and `configFromGguf` do, NotFoundError for missing parts; with an mmproj
 * also `InvalidFileError` where it does not fit the model, and `UnsupportedError` for other projectors.
 */
export async function openGguf(path: string, { mmproj }: OpenGgufOptions = {}): Promise<GgufModel> {
  const { metadata, tensors } = await readGgufParts(path);
  const architecture = ggufArchitecture({ file: path, metadata });
  const frequencyDivisors = await readFrequencyDivisors(path, tensors);
  const config = configFromGguf({ file: path, metadata, tensors, frequencyDivisors });
  const counts = { heads: config["num_attention_heads"] as number, keyHeads: config["num_key_value_heads"] as number };
  const renamed = renameGgufTensors(tensors, architecture === "llama" ? counts : undefined);
  const { path: projector, warnings } = await findProjector(path, architecture, mmproj);
  const joined = projector === undefined ? undefined : await joinProjector({ file: path, architecture, metadata, config }, projector);
  const all = new Map([...renamed, ...(joined?.tensors ?? [])]);
  const opened = projector === undefined ? path : `${path} and ${projector}`;
  return { path, metadata, config: joined?.config ?? config, checkpoint: new Checkpoint(opened, all, new Map()), preprocessor: joined?.preprocessor, warnings };
}

/** Half a head is at most 512 numbers. */
const MAX_DIVISORS = 512;

async function readFrequencyDivisors(path: string, tensors: ReadonlyMap<string, TensorEntry>): Promise<number[] | undefined> {
  const entry = tensors.get(frequencyDivisorsTensor);
  if (entry === undefined) return undefined;
  const refuse = (problem: string): never => {
    throw new InvalidFileError({ file: entry.file, problem, pointer: jsonPointer([entry.name]) });
  };
  if (entry.dtype !== "F32" || entry.shape.length !== 1 || entry.shape[0]! > MAX_DIVISORS) refuse(`a vector of at most ${MAX_DIVISORS} f32 numbers is expected`);
  const bytes = await new Checkpoint(path, tensors, new Map()).read(entry.name);
  const divisors = [...new Float32Array(bytes.buffer)];
  return divisors.every((divisor) => Number.isFinite(divisor) && divisor > 0) ? divisors : refuse("positive numbers are expected");
}
