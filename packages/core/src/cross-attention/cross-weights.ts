import type { CrossAttention } from "./cross-attention.ts";

/** A weight of a block: its name in files and in programs, and its shape. */
export interface CrossWeight {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * The weights of a block, branch by branch. `gate` is the scalar as files hold it; a program reads what was made of it, under the name that
 * `gateFactorName` gives.
 */
export interface CrossWeights {
  readonly attention: Readonly<Record<"norm" | "query" | "key" | "value" | "output" | "queryNorm" | "keyNorm" | "gate", CrossWeight>>;
  /** Absent in blocks without an MLP. */
  readonly mlp: Readonly<Record<"norm" | "gateProjection" | "up" | "down" | "gate", CrossWeight>> | undefined;
}

/** What a modality's weights have in front of their names for the block before layer `index`. */
export function crossWeightPrefix(modality: string, index: number): string {
  return `model.cross_layers.${index}.${modality}`;
}

/** Names and shapes of all weights of the block before layer `index`, in the order in which fresh ones are drawn. */
export function crossWeights(cross: Omit<CrossAttention, "layers" | "attend" | "pages">, index: number, hiddenSize: number): CrossWeights {
  const { modality, heads, keyHeads, headWidth, intermediateSize } = cross;
  const weight = (name: string, ...shape: number[]): CrossWeight => ({ name: `${crossWeightPrefix(modality, index)}.${name}`, shape });
  return {
    attention: {
      norm: weight("input_layernorm.weight", hiddenSize),
      query: weight("cross_attn.q_proj.weight", heads * headWidth, hiddenSize),
      key: weight("cross_attn.k_proj.weight", keyHeads * headWidth, hiddenSize),
      value: weight("cross_attn.v_proj.weight", keyHeads * headWidth, hiddenSize),
      output: weight("cross_attn.o_proj.weight", hiddenSize, heads * headWidth),
      queryNorm: weight("cross_attn.q_norm.weight", headWidth),
      keyNorm: weight("cross_attn.k_norm.weight", headWidth),
      gate: weight("attn_gate", 1),
    },
    mlp: intermediateSize === 0 ? undefined : {
      norm: weight("post_attention_layernorm.weight", hiddenSize),
      gateProjection: weight("mlp.gate_proj.weight", intermediateSize, hiddenSize),
      up: weight("mlp.up_proj.weight", intermediateSize, hiddenSize),
      down: weight("mlp.down_proj.weight", hiddenSize, intermediateSize),
      gate: weight("mlp_gate", 1),
    },
  };
}

/** The weight that a step reads for a gate: the hyperbolic tangent of what is stored, for every column, f32 [hidden size]. It is computed at loading. */
export function gateFactorName({ name }: CrossWeight): string {
  return `${name}.tanh`;
}
