import { UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../../json-file.ts";
import { GgufFields } from "../gguf-fields.ts";
import type { TextPart } from "./joined-projector.ts";
import type { VisionTower } from "./vision-tower.ts";

/** `rope_scaling` of a text model beside a tower: the frequencies of each of its three axes of positions. */
export function mropeOf({ metadata, architecture, file, config }: TextPart, { deepstackLayers, kind }: Pick<VisionTower, "deepstackLayers" | "kind">): JsonObject {
  const fields = new GgufFields(metadata, architecture, file);
  if (config["rope_scaling"] !== undefined) throw new UnsupportedError({ feature: `${file}: scaled rotary positions beside an mmproj` });
  const [t = 0, h = 0, w = 0, ...others] = fields.numbers("rope.dimension_sections", 0);
  if (others.some((count) => count !== 0)) fields.fail("rope.dimension_sections", "three sections are expected, and zeros");
  const levels = fields.optionalInteger("n_deepstack_layers");
  if (levels !== undefined && levels !== deepstackLayers.length) fields.fail("n_deepstack_layers", `the mmproj has ${deepstackLayers.length} such layers`);
  const interleaved = kind.deepstack ? { mrope_interleaved: true } : {};
  return { rope_scaling: { type: "default", rope_type: "default", mrope_section: [t, h, w], ...interleaved } };
}
