import { kvNames } from "@polywen/kv-cache";
import { PAGE_ROWS, type ProgramBuilder, type TensorSpec } from "@polywen/tensor";
import { rotaryAxes, rotaryScale } from "../../rope/inverse-frequencies.ts";
import type { StepInputs } from "../../step-inputs.ts";
import type { StepLimits } from "../../text-model.ts";
import type { DecoderConfig } from "./decoder-config.ts";

/** A step program in the making: what the parts of a layer append to. */
export interface DecoderStep {
  readonly builder: ProgramBuilder;
  readonly config: DecoderConfig;
  readonly inputs: StepInputs;
  readonly limits: StepLimits;
}

/** `NAME.weight` of shape [width, input width], and `NAME.bias` if there is one. */
export function linear({ builder }: DecoderStep, input: TensorSpec, name: string, width: number, { bias = false }: { readonly bias?: boolean } = {}): TensorSpec {
  const weight = builder.weight(`${name}.weight`, [width, input.shape.at(-1) as number]);
  return builder.linear(input, weight, bias ? builder.weight(`${name}.bias`, [width]) : undefined);
}

/** RMS norm over the last axis by `NAME.weight`. */
export function norm({ builder, config }: DecoderStep, input: TensorSpec, name: string): TensorSpec {
  return builder.rmsNorm(input, builder.weight(`${name}.weight`, [input.shape.at(-1) as number]), config.epsilon);
}

/** [rows, count × head width] as [rows, count, head width]. */
export function splitHeads({ builder, config }: DecoderStep, flat: TensorSpec, count: number): TensorSpec {
  return builder.reshape(flat, [flat.shape[0]!, count, config.headWidth]);
}

/** Turns heads by the positions of their rows. */
export function rotate({ builder, config, inputs }: DecoderStep, heads: TensorSpec): TensorSpec {
  const { positions, frequencies, sequence: set } = inputs;
  return builder.rotary({ input: heads, positions, frequencies, set, axes: rotaryAxes(config.rope, config.headWidth), scale: rotaryScale(config.rope) });
}

/** Queries, keys and values of a layer, ready for attention: [rows, heads or key heads, head width]. */
export interface AttentionHeads {
  readonly query: TensorSpec;
  readonly key: TensorSpec;
  readonly value: TensorSpec;
}

/**
 * Grouped-query attention over the cache: rows write their keys first and then read them like everybody else.
 * Returns [rows, heads × head width].
 */
export function attend({ builder, config, inputs, limits }: DecoderStep, { query, key, value }: AttentionHeads, layer: number): TensorSpec {
  const names = kvNames(layer);
  const shape = [limits.pages * PAGE_ROWS, config.keyHeads, config.headWidth];
  const keys = builder.resource(names.keys, limits.kvDType, shape);
  const values = builder.resource(names.values, limits.kvDType, shape);
  builder.store(key, keys, inputs.slots);
  builder.store(value, values, inputs.slots);
  const { sequence, pageSpans, pages } = inputs;
  const attended = builder.attention({
    query,
    source: { kind: "paged", keys, values, sequence, pageSpans, pages },
    spans: config.windows[layer] === undefined ? inputs.spans : inputs.windowSpans!,
    scale: config.headWidth ** -0.5,
  });
  return builder.reshape(attended, [attended.shape[0]!, config.heads * config.headWidth]);
}

/** The MLP of Llama and its descendants: `down(silu(gate(x)) * up(x))`, `width` values wide inside. */
export function gatedMlp(step: DecoderStep, input: TensorSpec, prefix: string, width: number, { bias = false }: { readonly bias?: boolean } = {}): TensorSpec {
  const gate = linear(step, input, `${prefix}.gate_proj`, width, { bias });
  const up = linear(step, input, `${prefix}.up_proj`, width, { bias });
  return linear(step, step.builder.swiglu(gate, up), `${prefix}.down_proj`, step.config.hiddenSize, { bias });
}
