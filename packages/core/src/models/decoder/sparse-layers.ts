import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type JsonObject } from "@polywen/formats";
import type { TensorSpec } from "@polywen/tensor";
import type { DecoderPlace } from "./decoder-config.ts";
import { linear, type DecoderStep } from "./decoder-step.ts";

/** The experts of Qwen's mixtures. */
export interface SparseConfig {
  readonly experts: number;
  readonly expertsPerToken: number;
  /** Whether the weights of the chosen experts are divided by their sum. */
  readonly normalised: boolean;
  /** Width of an expert. */
  readonly expertWidth: number;
  /** Whether a layer has experts; the others have one MLP. */
  readonly sparse: readonly boolean[];
}

const schema = z.looseObject({
  num_experts: sizeSchema(4096),
  num_experts_per_tok: sizeSchema(4096),
  norm_topk_prob: z.boolean().default(false),
  moe_intermediate_size: sizeSchema(2 ** 19),
  decoder_sparse_step: sizeSchema(1024).default(1),
  mlp_only_layers: z.array(z.int().min(0)).nullish(),
});

/** Values of the family's class for fields that a file leaves out. */
export interface SparseDefaults {
  readonly num_experts: number;
  readonly num_experts_per_tok: number;
  readonly moe_intermediate_size: number;
}

/** Reads and checks the fields about experts. transformers 5 calls their number `num_local_experts`. */
export function parseSparseConfig(config: JsonObject, place: DecoderPlace, layers: number, defaults: SparseDefaults): SparseConfig {
  const { num_local_experts: renamed } = config;
  const fields = parseWith(schema, { ...defaults, ...(renamed === undefined ? {} : { num_experts: renamed }), ...config }, place.file, place.pointer ?? []);
  if (fields.num_experts_per_tok > fields.num_experts) refuseField(place, "num_experts_per_tok", `there are ${fields.num_experts} experts`);
  const dense = new Set(fields.mlp_only_layers);
  return {
    experts: fields.num_experts,
    expertsPerToken: fields.num_experts_per_tok,
    normalised: fields.norm_topk_prob,
    expertWidth: fields.moe_intermediate_size,
    sparse: Array.from({ length: layers }, (_, layer) => !dense.has(layer) && (layer + 1) % fields.decoder_sparse_step === 0),
  };
}

/** The experts of a layer, weighted by the softmax of `PREFIX.gate` over all of them. */
export function sparseMlp(step: DecoderStep, config: SparseConfig, input: TensorSpec, prefix: string): TensorSpec {
  const logits = linear(step, input, `${prefix}.gate`, config.experts);
  const routed = step.builder.route(logits, { scoring: "softmax", count: config.expertsPerToken, normalise: config.normalised });
  return step.builder.experts({ input, ...routed, ...expertWeights(step, `${prefix}.experts`, config.experts, config.expertWidth) });
}

/** The three stacks of `count` gated MLPs, `width` values wide inside. */
export function expertWeights({ builder, config }: DecoderStep, prefix: string, count: number, width: number): Record<"gate" | "up" | "down", TensorSpec> {
  return {
    gate: builder.weight(`${prefix}.gate_proj.weight`, [count, width, config.hiddenSize]),
    up: builder.weight(`${prefix}.up_proj.weight`, [count, width, config.hiddenSize]),
    down: builder.weight(`${prefix}.down_proj.weight`, [count, config.hiddenSize, width]),
  };
}
