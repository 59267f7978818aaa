import type { JsonObject } from "../../json-file.ts";
import type { GgufFields } from "../gguf-fields.ts";
import { matrixShape, type ProjectorSource } from "./projector-source.ts";
import type { VisionKind } from "./vision-kinds.ts";
import type { VisionNames } from "./vision-tensors.ts";

/** What a vision tower and the preparation of pictures are in the layout of Hugging Face. */
export interface VisionTower extends VisionNames {
  /** `vision_config` of config.json. */
  readonly vision: JsonObject;
  /** preprocessor_config.json */
  readonly preprocessor: JsonObject;
}

/** The matrix that gives the rows of the text model. */
export const visionOutput = "mm.2.weight";

/** All norms of the published towers. */
const epsilon = Math.fround(1e-6);

/**
 * Reads a vision tower. What metadata say differently from one converter to the next, the width of the layers and of the output, is
 * taken from the tensors. Throws `InvalidFileError` for keys and tensors that are missing or wrong, and `UnsupportedError` for
 * hyperparameters that are not computed with.
 */
export function readVisionTower(source: ProjectorSource, kind: VisionKind): VisionTower {
  const { fields } = source;
  const layers = fields.integer("vision.block_count");
  const width = fields.integer("vision.embedding_length");
  const patchSize = fields.integer("vision.patch_size");
  const mergeSize = fields.optionalInteger("vision.spatial_merge_size") ?? 2;
  if (fields.positive("vision.attention.layer_norm_epsilon") !== epsilon) fields.only("vision.attention.layer_norm_epsilon", epsilon);
  for (const key of ["use_gelu", "use_silu"] as const) if (fields.flag(key) !== (kind.activation === key)) fields.only(key, kind.activation === key);
  const deepstackLayers = deepstackOf(source, layers);
  fields.ignore("has_text_encoder", "has_qwen2vl_merger", "vision.image_size", "vision.projection_dim", "vision.feed_forward_length", "vision.projector.scale_factor");
  const { intermediateSize, swapped } = feedForward(source, width);
  const [outputWidth] = matrixShape(source, visionOutput);
  const vision = {
    ...common(fields, layers, width, patchSize, mergeSize),
    ...towerOf(kind, { width, intermediateSize, outputWidth }),
    ...(kind.activation === "use_silu" ? windows(fields, layers) : {}),
    ...(kind.deepstack ? { deepstack_visual_indexes: deepstackLayers, num_position_embeddings: matrixShape(source, "v.position_embd.weight")[0] } : {}),
  };
  const preprocessor = {
    image_processor_type: "Qwen2VLImageProcessor",
    image_mean: fields.numbers("vision.image_mean", 0),
    image_std: fields.numbers("vision.image_std", 0),
    patch_size: patchSize,
    temporal_patch_size: 2,
    merge_size: mergeSize,
    min_pixels: fields.optionalInteger("vision.image_min_pixels") ?? kind.minPixels,
    max_pixels: fields.optionalInteger("vision.image_max_pixels") ?? kind.maxPixels,
  };
  return { kind, deepstackLayers, swapped, vision, preprocessor };
}

function common(fields: GgufFields, depth: number, width: number, patchSize: number, mergeSize: number): JsonObject {
  const heads = fields.integer("vision.attention.head_count");
  if (width % heads !== 0) fields.fail("vision.attention.head_count", `${width} values cannot be shared by ${heads} heads`);
  return { depth, num_heads: heads, in_channels: 3, patch_size: patchSize, spatial_merge_size: mergeSize, temporal_patch_size: 2 };
}

/** In Qwen2-VL `hidden_size` is the width of the text model. */
function towerOf({ activation }: VisionKind, { width, intermediateSize, outputWidth }: { readonly width: number; readonly intermediateSize: number; readonly outputWidth: number }): JsonObject {
  if (activation === undefined) return { embed_dim: width, mlp_ratio: intermediateSize / width, hidden_size: outputWidth, hidden_act: "quick_gelu" };
  return { hidden_size: width, intermediate_size: intermediateSize, out_hidden_size: outputWidth, hidden_act: activation === "use_silu" ? "silu" : "gelu_pytorch_tanh" };
}

/** Every n-th layer attends over the whole frame, or those of a list do. */
function windows(fields: GgufFields, layers: number): JsonObject {
  const every = fields.optionalInteger("vision.n_wa_pattern");
  const listed = fields.optionalNumbers("vision.wa_layer_indexes", 0);
  if (every === undefined && listed === undefined) fields.fail("vision.n_wa_pattern", "this key is missing");
  const full = listed ?? Array.from({ length: Math.min(layers, 4096) }, (_, layer) => layer).filter((layer) => (layer + 1) % every! === 0);
  return { fullatt_block_indexes: full, window_size: fields.optionalInteger("vision.window_size") ?? 112 };
}

/** The layers that have a merger of their own; a list of truth values must agree with the tensors. */
function deepstackOf({ fields, tensors }: ProjectorSource, layers: number): number[] {
  const found = new Set([...tensors.keys()].flatMap((name) => /^v\.deepstack\.(\d{1,5})\./.exec(name)?.slice(1).map(Number) ?? []));
  const flags = fields.optionalNumbers("vision.is_deepstack_layers", 0);
  const listed = flags?.flatMap((flag, layer) => (flag === 0 ? [] : [layer]));
  const deepstack = [...found].sort((left, right) => left - right);
  if (listed !== undefined && listed.join() !== deepstack.join()) fields.fail("vision.is_deepstack_layers", `layers ${listed.join(", ") || "none"} are listed, but the file has mergers of layers ${deepstack.join(", ") || "none"}`);
  if (deepstack.some((layer) => layer >= layers)) fields.fail("vision.block_count", `there are mergers of layers ${deepstack.join(", ")}`);
  return deepstack;
}

function feedForward(source: ProjectorSource, width: number): { intermediateSize: number; swapped: boolean } {
  const [rows, columns] = matrixShape(source, "v.blk.0.ffn_up.weight");
  const swapped = rows === width && columns !== width;
  return { intermediateSize: swapped ? columns : rows, swapped };
}
