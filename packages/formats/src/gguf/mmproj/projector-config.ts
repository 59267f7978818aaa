import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../../json-file.ts";
import { jsonPointer, quoted } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import { GgufFields } from "../gguf-fields.ts";
import type { GgufValue } from "../gguf-value.ts";
import type { ProjectorNames } from "./projector-tensors.ts";
import { projectorKinds, type ProjectorKind } from "./projector-kinds.ts";

/** A file of a tower and its projector, as its header says it. */
export interface ProjectorSource {
  readonly file: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** What the tower and the preparation of pictures are in the layout of Hugging Face. */
export interface ProjectorConfig extends ProjectorNames {
  /** Width of the text model that it feeds. */
  readonly outputWidth: number;
  /** `vision_config` of config.json. */
  readonly vision: JsonObject;
  /** preprocessor_config.json */
  readonly preprocessor: JsonObject;
}

/** All norms of the published towers. */
const epsilon = Math.fround(1e-6);

/**
 * Reads an mmproj. What its metadata say differently from one converter to the next, the width of the layers and of the output, is
 * taken from the tensors. Throws `InvalidFileError` for a file that is none and for keys that are missing or wrong, and
 * `UnsupportedError` for other projectors and for hyperparameters that are not known.
 */
export function readProjectorConfig(source: ProjectorSource): ProjectorConfig {
  const { file, metadata } = source;
  requireProjector(source);
  const fields = new GgufFields(metadata, "clip", file);
  const kind = kindOf(source, fields);
  const layers = fields.integer("vision.block_count");
  const width = fields.integer("vision.embedding_length");
  const patchSize = fields.integer("vision.patch_size");
  const mergeSize = fields.optionalInteger("vision.spatial_merge_size") ?? 2;
  if (fields.positive("vision.attention.layer_norm_epsilon") !== epsilon) fields.only("vision.attention.layer_norm_epsilon", epsilon);
  for (const key of ["use_gelu", "use_silu"] as const) if (fields.flag(key) !== (kind.activation === key)) fields.only(key, kind.activation === key);
  const deepstackLayers = deepstackOf(source, fields, layers);
  fields.ignore("has_text_encoder", "vision.image_size", "vision.projection_dim", "vision.feed_forward_length", "vision.projector.scale_factor");
  const { intermediateSize, swapped } = feedForward(source, width);
  const outputWidth = shapeOf(source, "mm.2.weight")[0]!;
  const vision = {
    ...common(fields, layers, width, patchSize, mergeSize),
    ...towerOf(kind, { width, intermediateSize, outputWidth }),
    ...(kind.activation === "use_silu" ? windows(fields, layers) : {}),
    ...(kind.deepstack ? { deepstack_visual_indexes: deepstackLayers, num_position_embeddings: shapeOf(source, "v.position_embd.weight")[0]! } : {}),
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
  fields.refuseOthers();
  return { kind, deepstackLayers, swapped, outputWidth, vision, preprocessor };
}

function requireProjector({ file, metadata }: ProjectorSource): void {
  const architecture = metadata.get("general.architecture");
  if (architecture === "clip") return;
  throw new InvalidFileError(
    { file, problem: `an mmproj has the architecture "clip", but this file has ${typeof architecture === "string" ? quoted(architecture) : "none"}`, pointer: jsonPointer(["general.architecture"]) },
    { hint: "The mmproj of a model is published beside it, in a file whose name begins with mmproj." },
  );
}

function kindOf({ file }: ProjectorSource, fields: GgufFields): ProjectorKind {
  const type = fields.text("projector_type");
  const own = fields.text("vision.projector_type");
  const name = own ?? type ?? fields.fail("projector_type", "this key is missing");
  if (!fields.flag("has_vision_encoder")) throw new UnsupportedError({ feature: `${file}: a projector without a vision tower` });
  fields.only("has_audio_encoder", false);
  if (Object.hasOwn(projectorKinds, name)) return projectorKinds[name]!;
  throw new UnsupportedError({ feature: `${file}: the projector ${quoted(name)}`, supported: Object.keys(projectorKinds) });
}

function common(fields: GgufFields, depth: number, width: number, patchSize: number, mergeSize: number): JsonObject {
  const heads = fields.integer("vision.attention.head_count");
  if (width % heads !== 0) fields.fail("vision.attention.head_count", `${width} values cannot be shared by ${heads} heads`);
  return { depth, num_heads: heads, in_channels: 3, patch_size: patchSize, spatial_merge_size: mergeSize, temporal_patch_size: 2 };
}

/** In Qwen2-VL `hidden_size` is the width of the text model. */
function towerOf({ activation }: ProjectorKind, { width, intermediateSize, outputWidth }: { readonly width: number; readonly intermediateSize: number; readonly outputWidth: number }): JsonObject {
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
function deepstackOf({ tensors }: ProjectorSource, fields: GgufFields, layers: number): number[] {
  const found = new Set([...tensors.keys()].flatMap((name) => /^v\.deepstack\.(\d{1,5})\./.exec(name)?.slice(1).map(Number) ?? []));
  const flags = fields.optionalNumbers("vision.is_deepstack_layers", 0);
  const listed = flags?.flatMap((flag, layer) => (flag === 0 ? [] : [layer]));
  const deepstack = [...found].sort((left, right) => left - right);
  if (listed !== undefined && listed.join() !== deepstack.join()) fields.fail("vision.is_deepstack_layers", `layers ${listed.join(", ") || "none"} are listed, but the file has mergers of layers ${deepstack.join(", ") || "none"}`);
  if (deepstack.some((layer) => layer >= layers)) fields.fail("vision.block_count", `there are mergers of layers ${deepstack.join(", ")}`);
  return deepstack;
}

function feedForward(source: ProjectorSource, width: number): { intermediateSize: number; swapped: boolean } {
  const [rows, columns] = shapeOf(source, "v.blk.0.ffn_up.weight") as [number, number];
  const swapped = rows === width && columns !== width;
  return { intermediateSize: swapped ? columns : rows, swapped };
}

function shapeOf({ file, tensors }: ProjectorSource, name: string): readonly number[] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length === 2) return shape;
  throw new InvalidFileError({ file, problem: shape === undefined ? "this tensor is missing" : `a matrix is expected, but it is [${shape.join(", ")}]`, pointer: jsonPointer([name]) });
}
