import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type JsonObject } from "@polywen/formats";

/** Sizes that all encoders of the Whisper kind have. */
export interface WhisperSizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForwardWidth: number;
  readonly melBands: number;
}

/** An encoder with a stored position table: Whisper's own, and that of Qwen2-Audio. */
export interface WhisperEncoderConfig extends WhisperSizes {
  /** Rows of the position table: the encoder takes exactly twice as many mel frames. */
  readonly positions: number;
}

/** Values of the published classes for fields that a file leaves out. */
export interface WhisperDefaults {
  readonly encoder_layers: number;
  readonly d_model: number;
  readonly encoder_attention_heads: number;
  readonly encoder_ffn_dim: number;
  readonly num_mel_bins: number;
}

const sizesSchema = z.looseObject({
  encoder_layers: sizeSchema(1024),
  d_model: sizeSchema(2 ** 16),
  encoder_attention_heads: sizeSchema(1024),
  encoder_ffn_dim: sizeSchema(2 ** 18),
  num_mel_bins: sizeSchema(1024),
  activation_function: z.literal("gelu", { error: "only gelu is published for this encoder" }).default("gelu"),
});

/** Reads and checks the fields that all encoders of the kind share. `pointer` says where in the file `config` stands. */
export function parseWhisperSizes(config: JsonObject, file: string, pointer: readonly string[], defaults: WhisperDefaults): WhisperSizes {
  const fields = parseWith(sizesSchema, { ...defaults, ...config }, file, pointer);
  const { d_model: width, encoder_attention_heads: heads } = fields;
  if (width % heads !== 0) refuseField({ file, pointer }, "encoder_attention_heads", `${width} values cannot be shared by ${heads} heads`);
  return { layers: fields.encoder_layers, width, heads, feedForwardWidth: fields.encoder_ffn_dim, melBands: fields.num_mel_bins };
}

const positionsSchema = z.looseObject({ max_source_positions: sizeSchema(2 ** 16).default(1500) });

/** Reads an encoder with a position table: config.json of `whisper`, or `audio_config` of Qwen2-Audio. */
export function parseWhisperEncoderConfig(config: JsonObject, file: string, pointer: readonly string[], defaults: WhisperDefaults): WhisperEncoderConfig {
  return { ...parseWhisperSizes(config, file, pointer, defaults), positions: parseWith(positionsSchema, config, file, pointer).max_source_positions };
}

/** Class defaults of `whisper`: the size "tiny". */
export const whisperDefaults: WhisperDefaults = { encoder_layers: 4, d_model: 384, encoder_attention_heads: 6, encoder_ffn_dim: 1536, num_mel_bins: 80 };

/** Class defaults of the audio towers of Qwen: the size "large". */
export const qwenTowerDefaults: WhisperDefaults = { encoder_layers: 32, d_model: 1280, encoder_attention_heads: 20, encoder_ffn_dim: 5120, num_mel_bins: 128 };
