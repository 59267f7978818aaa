import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type JsonObject } from "@polywen/formats";
import { parseWhisperSizes, qwenTowerDefaults, type WhisperSizes } from "../whisper/whisper-config.ts";

/** The audio tower of the Qwen2.5-Omni thinker. */
export interface OmniAudioConfig extends WhisperSizes {
  /** Half the mel frames of a piece: pieces of `2 × window` frames are encoded on their own. */
  readonly window: number;
  /** Width of the text model. */
  readonly outputWidth: number;
}

/** The position table is computed while a model loads; this is over a hundred times that of published models. */
const MAX_POSITION_VALUES = 2 ** 24;

const schema = z.looseObject({
  n_window: sizeSchema(2 ** 16).default(100),
  output_dim: sizeSchema(2 ** 17).default(3584),
});

/** Reads `audio_config`. `pointer` says where in the file it stands. */
export function parseOmniAudioConfig(config: JsonObject, file: string, pointer: readonly string[]): OmniAudioConfig {
  const sizes = parseWhisperSizes(config, file, pointer, qwenTowerDefaults);
  const { n_window: window, output_dim: outputWidth } = parseWith(schema, config, file, pointer);
  if (sizes.width % 2 !== 0 || sizes.width < 4) {
    refuseField({ file, pointer }, "d_model", `${sizes.width} values cannot be half sines, half cosines`);
  }
  if (window * sizes.width > MAX_POSITION_VALUES) {
    refuseField({ file, pointer }, "n_window", `a window of ${window} steps of ${sizes.width} values is too large`);
  }
  return { ...sizes, window, outputWidth };
}
