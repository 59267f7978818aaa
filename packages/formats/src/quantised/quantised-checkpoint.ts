import { Checkpoint } from "../checkpoint.ts";
import type { JsonObject } from "../json-file.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import { fp8Weight } from "./fp8-linear.ts";
import { integerParts, integerWeight } from "./integer-linear.ts";
import { missingConfig, parseQuantisationConfig } from "./quantisation-config.ts";

/**
 * The checkpoint with the quantised linear layers as the weights that they stand for. `config` is the model's config.json, read
 * from `file`; which layers are quantised is decided by their tensors. Headers are looked at, nothing is read.
 * Throws as `parseQuantisationConfig`, `integerWeight` and `fp8Weight` do.
 */
export function readQuantised(checkpoint: Checkpoint, config: JsonObject, file: string): Checkpoint {
  const quantisation = parseQuantisationConfig(config, file);
  const tensors = new Map<string, TensorEntry>(checkpoint.tensors);
  for (const entry of checkpoint.tensors.values()) {
    if (entry.name.endsWith(".qweight")) {
      if (quantisation === undefined || quantisation.method === "fp8") throw missingConfig(file, entry.name);
      const name = entry.name.slice(0, -".qweight".length);
      for (const part of integerParts) tensors.delete(`${name}.${part}`);
      tensors.set(`${name}.weight`, integerWeight(checkpoint, name, quantisation));
    } else if (entry.dtype === "F8_E4M3" && quantisation?.method === "fp8" && entry.shape.length === 2) {
      for (const part of ["weight_scale", "weight_scale_inv", "input_scale"]) tensors.delete(entry.name.replace(/weight$/, part));
      tensors.set(entry.name, fp8Weight(checkpoint, entry, quantisation));
    }
  }
  return new Checkpoint(checkpoint.path, tensors, checkpoint.metadata);
}
