import { bf16ToF32, f16ToF32, InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { Checkpoint } from "../../checkpoint.ts";
import { jsonPointer, quoted } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import type { VisionKind } from "./vision-kinds.ts";

/** Parts of a layer of the tower that all kinds share. */
const layerParts: Readonly<Record<string, string>> = {
  ln1: "norm1",
  ln2: "norm2",
  attn_q: "attn.q",
  attn_k: "attn.k",
  attn_v: "attn.v",
  attn_qkv: "attn.qkv",
  attn_out: "attn.proj",
};

const deepstackParts: Readonly<Record<string, string>> = { norm: "norm", fc1: "linear_fc1", fc2: "linear_fc2" };

/** The kernels of the first and the second frame of a patch, and their bias. */
const patchKernels = ["v.patch_embd.weight", "v.patch_embd.weight.1"] as const;
const patchBias = "v.patch_embd.bias";

/** What a tensor is called, and whether its name and its meaning have been swapped. */
export interface VisionNames {
  readonly kind: VisionKind;
  /** Layers whose features are merged apart, in ascending order: number k has merger number k. */
  readonly deepstackLayers: readonly number[];
  /** Older converters named the feed-forward layers the other way round. */
  readonly swapped: boolean;
}

/**
 * The tensors of a tower under the names of Hugging Face (`visual.…`); the two kernels of patches become one of two frames.
 * Throws `UnsupportedError` for a tensor without a counterpart and `InvalidFileError` for kernels that do not fit each other.
 */
export function renameVisionTensors(file: string, tensors: ReadonlyMap<string, TensorEntry>, names: VisionNames): Map<string, TensorEntry> {
  const renamed = new Map<string, TensorEntry>();
  const kernel = patchKernel(file, tensors);
  renamed.set(kernel.name, kernel);
  for (const entry of tensors.values()) {
    if (entry.name === patchKernels[0] || entry.name === patchKernels[1] || isPlaceholder(entry, names)) continue;
    const name = `visual.${huggingFaceName(entry, names)}`;
    renamed.set(name, { ...entry, name });
  }
  return renamed;
}

/** The first converter of Qwen2-VL put a small table of zeros where other towers have their positions. */
function isPlaceholder({ name, shape }: TensorEntry, { kind }: VisionNames): boolean {
  return name === "v.position_embd.weight" && !Object.hasOwn(kind.merger, "v.position_embd") && shape.join() === "10,10";
}

function huggingFaceName({ name, file }: TensorEntry, { kind, deepstackLayers, swapped }: VisionNames): string {
  if (name === patchBias) return "patch_embed.proj.bias";
  const [, stem = "", end = ""] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
  if (Object.hasOwn(kind.merger, stem)) return `${kind.merger[stem]!}.${end}`;
  const [, layer, part = ""] = /^v\.blk\.(0|[1-9]\d{0,4})\.(\w+)$/.exec(stem) ?? [];
  if (Object.hasOwn(layerParts, part)) return `blocks.${layer}.${layerParts[part]!}.${end}`;
  const turned = swapped ? ({ ffn_up: "ffn_down", ffn_down: "ffn_up" }[part] ?? part) : part;
  if (Object.hasOwn(kind.feedForward, turned)) return `blocks.${layer}.${kind.feedForward[turned]!}.${end}`;
  const [, tapped, piece = ""] = /^v\.deepstack\.(0|[1-9]\d{0,4})\.(\w+)$/.exec(stem) ?? [];
  if (kind.deepstack && Object.hasOwn(deepstackParts, piece)) return `deepstack_merger_list.${deepstackLayers.indexOf(Number(tapped))}.${deepstackParts[piece]!}.${end}`;
  throw new UnsupportedError({ feature: `${file}: the tensor ${quoted(name)}` }, { hint: "No projector of this release has it, so that pictures would be seen without it." });
}

/** [width, channels, 2, side, side] of two kernels [width, channels, side, side]. */
function patchKernel(file: string, tensors: ReadonlyMap<string, TensorEntry>): TensorEntry {
  const [first, second] = patchKernels.map((name) => {
    const entry = tensors.get(name);
    if (entry === undefined) throw new InvalidFileError({ file, problem: "this tensor is missing", pointer: jsonPointer([name]) });
    if (!["F32", "F16", "BF16"].includes(entry.dtype)) throw new UnsupportedError({ feature: `${file}: ${name} of the type ${entry.dtype}`, supported: ["F32", "F16", "BF16"] });
    return entry;
  }) as [TensorEntry, TensorEntry];
  const [width = 0, channels = 0, ...sides] = first.shape;
  if (first.shape.length !== 4 || first.shape.join() !== second.shape.join()) {
    throw new InvalidFileError({ file, problem: `two kernels of one shape are expected, but they are [${first.shape.join(", ")}] and [${second.shape.join(", ")}]`, pointer: jsonPointer([second.name]) });
  }
  const area = sides[0]! * sides[1]!;
  const source = new Checkpoint(file, tensors, new Map());
  const compute = async (): Promise<Uint8Array> => {
    const frames = [await readFloats(source, first), await readFloats(source, second)];
    const joined = new Float32Array(2 * width * channels * area);
    for (let plane = 0; plane < width * channels; plane++) {
      for (const [frame, values] of frames.entries()) joined.set(values.subarray(plane * area, (plane + 1) * area), (2 * plane + frame) * area);
    }
    return new Uint8Array(joined.buffer);
  };
  const shape = [width, channels, 2, ...sides];
  return { name: "visual.patch_embed.proj.weight", dtype: "F32", shape, file, offset: first.offset, byteLength: 8 * width * channels * area, compute };
}

async function readFloats(source: Checkpoint, { name, dtype }: TensorEntry): Promise<Float32Array> {
  const bytes = await source.read(name);
  if (dtype === "F32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  return Float32Array.from(bits, dtype === "F16" ? f16ToF32 : bf16ToF32);
}
