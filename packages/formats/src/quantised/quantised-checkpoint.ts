import { Checkpoint } from "../checkpoint.ts";
import type { JsonObject } from "../json-file.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import { integerParts, integerWeight } from "./integer-linear.ts";
import { missingConfig, parseQuantisationConfig } from "./quantisation-config.ts";

/**
 * The checkpoint with the quantised linear layers as the weights that they stand for. `config` is the model's config.json, read
 * from `file`; which layers are quantised is decided by their tensors. Headers are looked at, nothing is read.
 * Throws as `parseQuantisationConfig` and `integerWeight` do.
 */
export function readQuantised(checkpoint: Checkpoint, config: JsonObject, file: string): Checkpoint {
  const quantisation = parseQuantisationConfig(config, file);
  const names = [...checkpoint.tensors.keys()].filter((name) => name.endsWith(".qweight")).map((name) => name.slice(0, -".qweight".length));
  if (names.length === 0) return checkpoint;
  if (quantisation === undefined || quantisation.method === "fp8") throw missingConfig(file, `${names[0]}.qweight`);
  const tensors = new Map<string, TensorEntry>(checkpoint.tensors);
  for (const name of names) {
    for (const part of integerParts) tensors.delete(`${name}.${part}`);
    tensors.set(`${name}.weight`, integerWeight(checkpoint, name, quantisation));
  }
  return new Checkpoint(checkpoint.path, tensors, checkpoint.metadata);
}
