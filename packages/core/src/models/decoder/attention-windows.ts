import { z } from "zod";
import { parseWith, refuseField, type JsonObject } from "@polywen/formats";
import type { DecoderPlace } from "./decoder-config.ts";

const schema = z.looseObject({
  use_sliding_window: z.boolean().default(false),
  // transformers writes 0 where no layer has one.
  sliding_window: z.int().min(0).max(2 ** 24).nullish(),
  max_window_layers: z.int().min(0).default(28),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
});

/** What says which layers have a window where no list does. */
export interface WindowFields {
  readonly sliding_window?: number | null | undefined;
  readonly use_sliding_window: boolean;
  readonly max_window_layers: number;
}

/**
 * The window of each layer. `layer_types` wins; without it, `isWindowed` decides.
 * `length` is the window that the fields ask for; undefined for none.
 */
export function parseWindows(
  config: JsonObject,
  place: DecoderPlace,
  layers: number,
  length: (fields: WindowFields) => number | undefined,
  isWindowed: (layer: number, fields: WindowFields) => boolean,
): readonly (number | undefined)[] {
  const fields = parseWith(schema, config, place.file, place.pointer ?? []);
  const { layer_types: types } = fields;
  if (types && types.length !== layers) refuseField(place, "layer_types", "it does not list every layer");
  const window = length(fields);
  if (window === 0) refuseField(place, "sliding_window", "a window holds one key at least");
  return Array.from({ length: layers }, (_, layer) => ((types ? types[layer] === "sliding_attention" : isWindowed(layer, fields)) ? window : undefined));
}

/** The window of Qwen's families: a length counts only where `use_sliding_window` says so. */
export function switchedWindow({ use_sliding_window, sliding_window }: WindowFields): number | undefined {
  return use_sliding_window ? (sliding_window ?? 4096) : undefined;
}
