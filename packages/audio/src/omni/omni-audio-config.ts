import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { InvalidFileError } from "@polywen/tensor";

/** The audio tower of the Qwen2.5-Omni thinker. */
export interface OmniAudioConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly feedForwardWidth: number;
  readonly melBands: number;
  /** Half the mel frames of a piece: pieces of `2 × window` frames are encoded on their own. */
  readonly window: number;
  /** Width of the text model. */
  readonly outputWidth: number;
}

/** The position table is computed while a model loads; this is over a hundred times that of published models. */
const MAX_POSITION_VALUES = 2 ** 24;

const size = (limit: number): z.ZodInt => z.int().min(1).max(limit);

const schema = z.looseObject({
  encoder_layers: size(1024).default(32),
  d_model: size(2 ** 16).default(1280),
  encoder_attention_heads: size(1024).default(20),
  encoder_ffn_dim: size(2 ** 18).default(5120),
  num_mel_bins: size(1024).default(128),
  n_window: size(2 ** 16).default(100),
  output_dim: size(2 ** 17).default(3584),
  activation_function: z.literal("gelu", { error: "only gelu is published for this tower" }).default("gelu"),
});

/** Reads `audio_config`. `pointer` says where in the file it stands. */
export function parseOmniAudioConfig(config: JsonObject, file: string, pointer: readonly string[]): OmniAudioConfig {
  const fields = parseWith(schema, config, file, pointer);
  const { d_model: width, encoder_attention_heads: heads } = fields;
  if (width % heads !== 0 || width % 2 !== 0 || width < 4) {
    throw new InvalidFileError({ file, problem: `${width} values cannot be shared by ${heads} heads and be half sines, half cosines`, pointer: `/${[...pointer, "encoder_attention_heads"].join("/")}` });
  }
  if (fields.n_window * width > MAX_POSITION_VALUES) {
    throw new InvalidFileError({ file, problem: `a window of ${fields.n_window} steps of ${width} values is too large`, pointer: `/${[...pointer, "n_window"].join("/")}` });
  }
  return {
    layers: fields.encoder_layers,
    width,
    heads,
    feedForwardWidth: fields.encoder_ffn_dim,
    melBands: fields.num_mel_bins,
    window: fields.n_window,
    outputWidth: fields.output_dim,
  };
}
