import { z } from "zod";
import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { isJsonObject, parseWith, type JsonObject } from "../json-file.ts";
import { jsonPointer, quoted } from "../json-pointer.ts";

/** How the linear layers of a checkpoint are quantised: `quantization_config` of config.json. */
export type QuantisationConfig =
  | {
      readonly method: "gptq" | "awq";
      readonly bits: number;
      /** Inputs that share a scale; undefined if all of a row do. */
      readonly groupSize: number | undefined;
      /** Whether all zero points are half of the range. */
      readonly symmetric: boolean;
      /** Whether inputs are in groups in any order, as `g_idx` says. */
      readonly reordered: boolean;
      /** What must be added to stored zero points. */
      readonly zeroOffset: 0 | 1;
    }
  | { readonly method: "fp8"; readonly block: readonly [out: number, width: number] | undefined };

const pointer = ["quantization_config"];

/** Sizes of groups and tiles; what is larger than any row is a whole one. */
const groupSchema = z.int().min(1).max(2 ** 24);

const groupSizeSchema = z.union([z.literal(-1), groupSchema], { error: "-1 or a positive integer is expected" });

const gptqSchema = z.looseObject({
  bits: z.int().min(1).max(32),
  group_size: groupSizeSchema,
  desc_act: z.boolean().default(false),
  sym: z.boolean().default(false),
  checkpoint_format: z.string().nullish(),
  format: z.string().nullish(),
  pack_dtype: z.string().nullish(),
  dynamic: z.record(z.string(), z.unknown()).nullish(),
});

const awqSchema = z.looseObject({
  bits: z.int().min(1).max(32),
  group_size: groupSizeSchema,
  version: z.string().default("gemm"),
});

const fp8Schema = z.looseObject({
  fmt: z.string().nullish(),
  weight_block_size: z.tuple([groupSchema, groupSchema]).nullish(),
});

/**
 * Reads and checks the `quantization_config` of `config`, which was read from `file`; undefined if there is none.
 * Throws `InvalidFileError`, and `UnsupportedError` for what would have to be read in another way.
 */
export function parseQuantisationConfig(config: JsonObject, file: string): QuantisationConfig | undefined {
  const fields = config["quantization_config"] ?? (isJsonObject(config["text_config"]) ? config["text_config"]["quantization_config"] : undefined);
  if (fields === undefined || fields === null) return undefined;
  const { quant_method: method } = parseWith(z.looseObject({ quant_method: z.string() }), fields, file, pointer);
  if (method === "gptq") return parseGptq(parseWith(gptqSchema, fields, file, pointer), file);
  if (method === "awq") return parseAwq(parseWith(awqSchema, fields, file, pointer), file);
  if (method === "fp8") return parseFp8(parseWith(fp8Schema, fields, file, pointer), file);
  throw new UnsupportedError(
    { feature: `${file}: the quantisation ${quoted(method)}`, supported: ["gptq", "awq", "fp8"] },
    { hint: "Use the checkpoint that this one was made from, or one in GGUF." },
  );
}

function parseGptq(fields: z.output<typeof gptqSchema>, file: string): QuantisationConfig {
  const format = fields.checkpoint_format ?? fields.format ?? "gptq";
  requireOneOf(format, ["gptq", "gptq_v2"], "the GPTQ layout", file);
  requireOneOf(fields.pack_dtype ?? "int32", ["int32"], "GPTQ packing in", file);
  requireOneOf(`${fields.bits} bits`, ["4 bits", "8 bits"], "GPTQ with", file);
  // Keys that begin with "-:" only name modules which are not quantised, and those are known by their tensors.
  const override = Object.keys(fields.dynamic ?? {}).find((key) => !key.startsWith("-:"));
  if (override !== undefined) throw new UnsupportedError({ feature: `${file}: a quantisation of its own for the modules ${quoted(override)} ("dynamic")` });
  return { method: "gptq", bits: fields.bits, groupSize: sizeOf(fields.group_size), symmetric: fields.sym, reordered: fields.desc_act, zeroOffset: format === "gptq" ? 1 : 0 };
}

function parseAwq(fields: z.output<typeof awqSchema>, file: string): QuantisationConfig {
  requireOneOf(fields.version.toLowerCase(), ["gemm"], "the AWQ layout", file);
  requireOneOf(`${fields.bits} bits`, ["4 bits"], "AWQ with", file);
  return { method: "awq", bits: fields.bits, groupSize: sizeOf(fields.group_size), symmetric: false, reordered: false, zeroOffset: 0 };
}

function parseFp8(fields: z.output<typeof fp8Schema>, file: string): QuantisationConfig {
  requireOneOf(fields.fmt ?? "e4m3", ["e4m3", "float8_e4m3fn"], "the 8-bit float", file);
  return { method: "fp8", block: fields.weight_block_size ?? undefined };
}

function sizeOf(groupSize: number): number | undefined {
  return groupSize === -1 ? undefined : groupSize;
}

function requireOneOf(value: string, supported: readonly string[], what: string, file: string): void {
  if (!supported.includes(value)) throw new UnsupportedError({ feature: `${file}: ${what} ${quoted(value)}`, supported });
}

/** The error for packed weights of which nobody says how they are packed. */
export function missingConfig(file: string, tensor: string): InvalidFileError {
  return new InvalidFileError(
    { file, problem: `the weights are quantised (${quoted(tensor)}), but nothing says how`, pointer: jsonPointer(pointer) },
    { hint: "Older checkpoints have this object in quantize_config.json or quant_config.json: add it to config.json, with quant_method." },
  );
}
