import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../../json-file.ts";
import { jsonPointer, quoted } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import { GgufFields } from "../gguf-fields.ts";
import type { JoinedProjector, TextPart } from "./join-projector.ts";
import type { ProjectorSource } from "./projector-config.ts";
import { tokenIds } from "./token-ids.ts";

/** The projector of Qwen2-Audio, and the architecture of its text model. */
export const audioProjector = "qwen2a";
const textArchitecture = "qwen2";

/** Mel frames in a second, and steps of the encoder: two frames each. */
const stepsPerSecond = 50;

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

const outside: Readonly<Record<string, string>> = {
  "a.conv1d.1": "audio_tower.conv1",
  "a.conv1d.2": "audio_tower.conv2",
  "a.position_embd": "audio_tower.embed_positions",
  "a.post_ln": "audio_tower.layer_norm",
  "mm.a.fc": "multi_modal_projector.linear",
};

/** Joins a text model and the audio tower of Qwen2-Audio. Throws `InvalidFileError` and `UnsupportedError` as `joinProjector` does. */
export function joinAudioProjector(text: TextPart, source: ProjectorSource): JoinedProjector {
  const hint = { hint: "The mmproj belongs to another model." };
  if (text.architecture !== textArchitecture) {
    throw new UnsupportedError({ feature: `${source.file}: a projector for ${textArchitecture} beside a text model of the architecture ${text.architecture}` }, hint);
  }
  const { audio, positions } = audioConfig(source);
  const [outputWidth = 0] = shapeOf(source, "mm.a.fc.weight");
  if (outputWidth !== text.config["hidden_size"]) {
    throw new InvalidFileError({ file: source.file, problem: `it gives rows of ${outputWidth}, but the text model is ${String(text.config["hidden_size"])} wide`, pointer: jsonPointer(["mm.a.fc.weight"]) }, hint);
  }
  const config = { model_type: "qwen2_audio", ...tokenIds(text, { audio_token_id: "<|AUDIO|>" }), text_config: text.config, audio_config: audio };
  const preprocessor = { feature_extractor_type: "WhisperFeatureExtractor", feature_size: audio["num_mel_bins"]!, chunk_length: positions / stepsPerSecond };
  return { config, preprocessor, tensors: renameTensors(source) };
}

function audioConfig(source: ProjectorSource): { audio: JsonObject; positions: number } {
  const fields = new GgufFields(source.metadata, "clip", source.file);
  if (!fields.flag("has_audio_encoder")) throw new UnsupportedError({ feature: `${source.file}: a projector without an audio tower` });
  fields.only("has_vision_encoder", false);
  fields.ignore("projector_type", "audio.projector_type", "audio.projection_dim", "has_text_encoder", "use_gelu");
  fields.only("use_silu", false);
  const epsilon = Math.fround(1e-5);
  fields.only("audio.attention.layer_norm_epsilon", epsilon);
  const [positions = 0] = shapeOf(source, "a.position_embd.weight");
  if (positions === 0 || positions % stepsPerSecond !== 0) throw new InvalidFileError({ file: source.file, problem: `${positions} positions are no whole seconds`, pointer: jsonPointer(["a.position_embd.weight"]) });
  const audio = {
    d_model: fields.integer("audio.embedding_length"),
    encoder_layers: fields.integer("audio.block_count"),
    encoder_attention_heads: fields.integer("audio.attention.head_count"),
    encoder_ffn_dim: fields.integer("audio.feed_forward_length"),
    num_mel_bins: fields.integer("audio.num_mel_bins"),
    max_source_positions: positions,
  };
  fields.refuseOthers();
  return { audio, positions };
}

function renameTensors({ tensors }: ProjectorSource): Map<string, TensorEntry> {
  const renamed = new Map<string, TensorEntry>();
  for (const entry of tensors.values()) {
    const name = huggingFaceName(entry);
    // The biases of the convolutions are stored as one column.
    const isColumn = /\.conv[12]\.bias$/.test(name) && entry.shape.length === 2 && entry.shape[1] === 1;
    renamed.set(name, { ...entry, name, shape: isColumn ? entry.shape.slice(0, 1) : entry.shape });
  }
  return renamed;
}

function huggingFaceName({ name, file }: TensorEntry): string {
  const [, stem = "", end = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(outside, stem)) return `${outside[stem]!}.${end}`;
  const [, layer, part = ""] = /^a\.blk\.(0|[1-9]\d{0,4})\.(\w+)$/.exec(stem) ?? [];
  if (Object.hasOwn(layerParts, part)) return `audio_tower.layers.${layer}.${layerParts[part]!}.${end}`;
  throw new UnsupportedError({ feature: `${file}: the tensor ${quoted(name)}` }, { hint: "No projector of this release has it, so that sounds would be heard without it." });
}

function shapeOf({ file, tensors }: ProjectorSource, name: string): readonly number[] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length === 2) return shape;
  throw new InvalidFileError({ file, problem: shape === undefined ? "this tensor is missing" : `a matrix is expected, but it is [${shape.join(", ")}]`, pointer: jsonPointer([name]) });
}
