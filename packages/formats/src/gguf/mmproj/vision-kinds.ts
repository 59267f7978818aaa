/** How the towers of the Qwen line are told apart in GGUF, and what they are in the layout of Hugging Face. */
export interface VisionKind {
  /** `model_type` of the whole, by architecture of the text models that it feeds. */
  readonly modelTypes: Readonly<Record<string, string>>;
  /** Activation of the tower's layers: the key that must be true; undefined where neither may be. */
  readonly activation: "use_gelu" | "use_silu" | undefined;
  /** Features of some layers are merged apart, and positions of the text are interleaved: Qwen3-VL. */
  readonly deepstack: boolean;
  /** Parts of a layer: `v.blk.{i}.ffn_up` is `visual.blocks.{i}.mlp.fc1`. */
  readonly feedForward: Readonly<Record<string, string>>;
  /** Tensors outside of layers, without `.weight` and `.bias`. */
  readonly merger: Readonly<Record<string, string>>;
  /** Bounds of width × height that the publishers state; used where the file has none. */
  readonly minPixels: number;
  readonly maxPixels: number;
}

const earlyMerger = { "v.post_ln": "merger.ln_q", "mm.0": "merger.mlp.0", "mm.2": "merger.mlp.2" };
const earlyPixels = { minPixels: 56 * 56, maxPixels: 16_384 * 28 * 28 };

/** The kind of the tower of Qwen2.5-Omni, beside which there is one for sounds. */
export const omniVisionProjector = "qwen2.5vl_merger";

/** By the value of `clip.projector_type`. */
export const visionKinds: Readonly<Record<string, VisionKind>> = {
  qwen2vl_merger: {
    modelTypes: { qwen2vl: "qwen2_vl" },
    activation: undefined,
    deepstack: false,
    feedForward: { ffn_up: "mlp.fc1", ffn_down: "mlp.fc2" },
    merger: earlyMerger,
    ...earlyPixels,
  },
  [omniVisionProjector]: {
    modelTypes: { qwen2vl: "qwen2_5_vl" },
    activation: "use_silu",
    deepstack: false,
    feedForward: { ffn_gate: "mlp.gate_proj", ffn_up: "mlp.up_proj", ffn_down: "mlp.down_proj" },
    merger: earlyMerger,
    ...earlyPixels,
  },
  qwen3vl_merger: {
    modelTypes: { qwen3vl: "qwen3_vl", qwen3vlmoe: "qwen3_vl_moe" },
    activation: "use_gelu",
    deepstack: true,
    feedForward: { ffn_up: "mlp.linear_fc1", ffn_down: "mlp.linear_fc2" },
    merger: { "v.post_ln": "merger.norm", "mm.0": "merger.linear_fc1", "mm.2": "merger.linear_fc2", "v.position_embd": "pos_embed" },
    minPixels: 65_536,
    maxPixels: 16_777_216,
  },
};

/** True for the text models of vision-language models. */
export function takesProjector(architecture: string): boolean {
  return Object.values(visionKinds).some(({ modelTypes }) => Object.hasOwn(modelTypes, architecture));
}
