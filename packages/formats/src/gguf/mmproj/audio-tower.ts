import { UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../../json-file.ts";
import { quoted } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import type { ProjectorSource } from "./projector-source.ts";

/** The projector of the audio towers of Qwen2-Audio and Qwen2.5-Omni. */
export const audioProjector = "qwen2a";

/** The matrix that gives the rows of the text model. */
export const audioOutput = "mm.a.fc.weight";

/** The table of positions. */
export const audioPositions = "a.position_embd";

/** Tensors outside of layers, without `.weight` and `.bias`; undefined: it is not read. */
export type AudioNames = Readonly<Record<string, string | undefined>>;

/** Parts of a layer: `a.blk.{i}.attn_q` is `audio_tower.layers.{i}.self_attn.q_proj`. */
const layerParts: Readonly<Record<string, string>> = {
  ln1: "self_attn_layer_norm",
  ln2: "final_layer_norm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_out: "self_attn.out_proj",
  ffn_up: "fc1",
  ffn_down: "fc2",
};

const convolutions: AudioNames = { "a.conv1d.1": "audio_tower.conv1", "a.conv1d.2": "audio_tower.conv2" };

/** `audio_config` of an audio tower of the Whisper kind, but for what the models say differently. */
export function readAudioTower({ fields }: ProjectorSource): JsonObject & { readonly num_mel_bins: number } {
  fields.ignore("has_text_encoder", "audio.projection_dim");
  fields.only("audio.attention.layer_norm_epsilon", Math.fround(1e-5));
  const [width, heads] = [fields.integer("audio.embedding_length"), fields.integer("audio.attention.head_count")];
  if (width % heads !== 0) fields.fail("audio.attention.head_count", `${width} values cannot be shared by ${heads} heads`);
  return {
    d_model: width,
    encoder_layers: fields.integer("audio.block_count"),
    encoder_attention_heads: heads,
    encoder_ffn_dim: fields.integer("audio.feed_forward_length"),
    num_mel_bins: fields.integer("audio.num_mel_bins"),
  };
}

/** True for what belongs to the audio tower of a file that may have two. */
export function isAudioTensor(name: string): boolean {
  return name.startsWith("a.") || name.startsWith("mm.a.");
}

/** The tensors of an audio tower under the names of Hugging Face. Throws `UnsupportedError` for a tensor without a counterpart. */
export function renameAudioTensors(tensors: Iterable<TensorEntry>, names: AudioNames): Map<string, TensorEntry> {
  const renamed = new Map<string, TensorEntry>();
  for (const entry of tensors) {
    const name = huggingFaceName(entry, { ...convolutions, ...names });
    if (name === undefined) continue;
    // The biases of the convolutions are stored as one column.
    const isColumn = /\.conv[12]\.bias$/.test(name) && entry.shape.length === 2 && entry.shape[1] === 1;
    renamed.set(name, { ...entry, name, shape: isColumn ? entry.shape.slice(0, 1) : entry.shape });
  }
  return renamed;
}

function huggingFaceName({ name, file }: TensorEntry, names: AudioNames): string | undefined {
  const [, stem = "", end = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(names, stem)) return names[stem] === undefined ? undefined : `${names[stem]}.${end}`;
  const [, layer, part = ""] = /^a\.blk\.(0|[1-9]\d{0,4})\.(\w+)$/.exec(stem) ?? [];
  if (Object.hasOwn(layerParts, part)) return `audio_tower.layers.${layer}.${layerParts[part]!}.${end}`;
  throw new UnsupportedError({ feature: `${file}: the tensor ${quoted(name)}` }, { hint: "No projector of this release has it, so that sounds would be heard without it." });
}
