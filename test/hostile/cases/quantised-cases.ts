import { writeSafetensors, type SafetensorsTensor } from "@polywen/formats";
import { baseConfig, baseTensors, writeJson } from "../base-model.ts";
import { failure, result, type HostileCase, type Outcome } from "../hostile-case.ts";
import { folderCase } from "./model-calls.ts";

const module = "model.layers.0.mlp.down_proj";
const [width, out] = [32, 16];

const gptq = { quant_method: "gptq", bits: 4, group_size: 32, sym: true, desc_act: false };
const awq = { quant_method: "awq", bits: 4, group_size: 32, zero_point: true, version: "gemm" };

/** The last layer of the base model as GPTQ packs it, symmetric: all codes and zero points stand for 0. */
const packed = (groups = 1): readonly SafetensorsTensor[] => [
  { name: `${module}.qweight`, dtype: "I32", shape: [width / 8, out], data: new Int32Array((width / 8) * out).fill(0x88888888 | 0) },
  { name: `${module}.qzeros`, dtype: "I32", shape: [groups, out / 8], data: new Int32Array((groups * out) / 8).fill(0x77777777) },
  { name: `${module}.scales`, dtype: "F16", shape: [groups, out], data: new Uint16Array(groups * out).fill(0x2c00) },
  { name: `${module}.g_idx`, dtype: "I32", shape: [width], data: new Int32Array(width) },
];

const fp8 = { quant_method: "fp8", weight_block_size: [128, 128] };

/** The same layer in 8-bit floats, all 1. */
const floats = (scales?: readonly number[]): readonly SafetensorsTensor[] => [
  { name: `${module}.weight`, dtype: "F8_E4M3", shape: [out, width], data: new Uint8Array(out * width).fill(0x38) },
  ...(scales === undefined ? [] : [{ name: `${module}.weight_scale_inv`, dtype: "F32" as const, shape: scales, data: new Float32Array(scales.reduce((product, length) => product * length, 1)) }]),
];

/** A case of the base model with that layer quantised; `fields` are its `quantization_config`. */
function quantised(id: string, input: string, fields: Record<string, unknown> | undefined, tensors: readonly SafetensorsTensor[], outcome: Outcome): HostileCase {
  const kept = baseTensors().filter(({ name }) => name !== `${module}.weight`);
  return folderCase(
    id,
    input,
    async (workspace) => {
      await writeSafetensors(workspace.path("model.safetensors"), [...kept, ...tensors]);
      await writeJson(workspace, "config.json", { ...baseConfig, ...(fields === undefined ? {} : { quantization_config: fields }) });
    },
    outcome,
  );
}

const without = (part: string): readonly SafetensorsTensor[] => packed().filter(({ name }) => name !== `${module}.${part}`);

/** The packed layer with other groups for its inputs. */
const grouped = (groupOf: Int32Array): readonly SafetensorsTensor[] => [...without("g_idx"), { name: `${module}.g_idx`, dtype: "I32", shape: [groupOf.length], data: groupOf }];

const invalidConfig = (field: string): Outcome => failure("FILE_INVALID", { file: "config.json", place: { pointer: `/quantization_config${field}` } });
const invalidTensor = (part: string): Outcome => failure("FILE_INVALID", { file: "model.safetensors", place: { pointer: `/${module}.${part}` } });

/** Layers quantised by GPTQ and AWQ, and in 8-bit floats. */
export const quantisedCases: readonly HostileCase[] = [
  quantised("41a", "GPTQ with 3 bits", { ...gptq, bits: 3 }, packed(), failure("UNSUPPORTED", { file: "config.json", says: "3 bits" })),
  quantised("41b", "GPTQ with 0 bits", { ...gptq, bits: 0 }, packed(), invalidConfig("/bits")),
  quantised("41c", "GPTQ in groups of 0", { ...gptq, group_size: 0 }, packed(), invalidConfig("/group_size")),
  quantised("41d", "GPTQ in groups that do not divide the inputs, with scales for them", { ...gptq, group_size: 24 }, packed(2), result("loaded; the last group is shorter")),
  quantised("41e", "GPTQ in groups for which there are not enough scales", { ...gptq, group_size: 24 }, packed(), invalidTensor("qzeros/shape")),
  quantised("41f", "`g_idx` out of range", gptq, grouped(new Int32Array(width).fill(1)), invalidTensor("g_idx")),
  quantised("41g", "a negative `g_idx`", { ...gptq, desc_act: true }, grouped(new Int32Array(width).fill(-1)), invalidTensor("g_idx")),
  quantised("41h", "`g_idx` of the wrong length", gptq, grouped(new Int32Array(width + 8)), invalidTensor("g_idx/shape")),
  quantised("41i", "GPTQ without zero points", gptq, without("qzeros"), failure("NOT_FOUND", { says: `${module}.qzeros` })),
  quantised("41j", "GPTQ without scales", gptq, without("scales"), failure("NOT_FOUND", { says: `${module}.scales` })),
  quantised("41k", "GPTQ that says to be symmetric and is not", { ...gptq, checkpoint_format: "gptq_v2" }, packed(), invalidTensor("qzeros")),
  quantised("41l", "packed weights, but no `quantization_config`", undefined, packed(), invalidConfig("")),
  quantised("41m", "a quantisation of another method", { quant_method: "hqq" }, packed(), failure("UNSUPPORTED", { file: "config.json", says: "hqq" })),
  quantised("41n", "a quantisation without a method", { bits: 4 }, packed(), invalidConfig("/quant_method")),
  quantised("41o", "GPTQ packed for Marlin", { ...gptq, checkpoint_format: "marlin" }, packed(), failure("UNSUPPORTED", { file: "config.json", says: "marlin" })),
  quantised("41p", "AWQ of the GEMV kind", { ...awq, version: "gemv" }, packed(), failure("UNSUPPORTED", { file: "config.json", says: "gemv" })),
  quantised("41q", "weights of GPTQ called AWQ", awq, packed(), invalidTensor("qzeros/shape")),
  quantised("41r", "codes of a shape that no limit allows", gptq, [...without("qweight"), { name: `${module}.qweight`, dtype: "I32", shape: [2 ** 40, 0], data: new Int32Array(0) }], invalidTensor("qweight/shape")),
  quantised("41s", "8-bit floats without scales", fp8, floats(), failure("NOT_FOUND", { says: `${module}.weight_scale_inv` })),
  quantised("41t", "8-bit floats with scales for other tiles", fp8, floats([2, 1]), invalidTensor("weight_scale_inv/shape")),
  quantised("41u", "8-bit floats in tiles of 0", { ...fp8, weight_block_size: [0, 128] }, floats([1, 1]), invalidConfig("/weight_block_size/0")),
  quantised("41v", "8-bit floats, but no `quantization_config`", undefined, floats([1, 1]), failure("UNSUPPORTED", { file: "model.safetensors", says: "F8_E4M3" })),
];
