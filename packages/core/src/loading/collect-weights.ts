import { jsonPointer, type Checkpoint, type TensorEntry } from "@polywen/formats";
import { InvalidFileError, isStorageDType, storageDTypes, UnsupportedError, type Program, type StorageDType, type WeightData } from "@polywen/tensor";
import { findExperts, partOf } from "./find-experts.ts";
import { orderHeadRows } from "./order-head-rows.ts";

/** Where a weight of a program is in a checkpoint. */
export interface WeightRecipe {
  /** Names to look for, the first one found wins. */
  readonly names: readonly string[];
  /**
   * `conv1d`: stored [out, in, kernel], used as a matrix [out, kernel × in] whose taps lie side by side.
   * `transposed`: stored [in, out], used as a matrix [out, in]; axes of length 1 before those do not count. A stack of experts that lies
   * in one tensor is stored [experts, in, out].
   * Absent: as stored, later axes flattened.
   */
  readonly layout?: "conv1d" | "transposed";
  /** Where to look if none of `names` is there: in part number `part` of the `parts` equal ones, along the first axis, of a larger tensor. */
  readonly fused?: { readonly names: readonly string[]; readonly part: number; readonly parts: number };
}

/** Says for each weight of a program where it comes from; undefined for one that another naming knows. */
export type WeightNaming = (name: string) => WeightRecipe | undefined;

/**
 * Finds every weight that the programs name, checks shape and dtype, and returns where its bytes are; only weights
 * that must be rearranged are read here. `derived` holds weights that are computed rather than stored.
 * Throws NotFoundError, InvalidFileError for a wrong shape, UnsupportedError for a dtype.
 */
export async function collectWeights(
  programs: readonly Program[],
  checkpoint: Checkpoint,
  naming: WeightNaming,
  derived: ReadonlyMap<string, WeightData> = new Map(),
): Promise<Map<string, WeightData>> {
  const weights = new Map<string, WeightData>();
  for (const tensor of programs.flatMap((program) => program.tensors)) {
    if (tensor.role !== "weight" || weights.has(tensor.name)) continue;
    weights.set(tensor.name, derived.get(tensor.name) ?? (await findWeight(tensor.name, tensor.shape as readonly number[], checkpoint, naming)));
  }
  return weights;
}

async function findWeight(name: string, shape: readonly number[], checkpoint: Checkpoint, naming: WeightNaming): Promise<WeightData> {
  const recipe = naming(name) ?? { names: [name] };
  if (shape.length === 3) return findStack(recipe, shape as readonly [number, number, number], checkpoint);
  const found = recipe.names.find((candidate) => checkpoint.tensors.has(candidate));
  const whole = found === undefined ? recipe.fused?.names.find((candidate) => checkpoint.tensors.has(candidate)) : undefined;
  if (whole !== undefined) return cutFused(checkpoint.entry(whole), shape, recipe.fused!);
  const entry = checkpoint.entry(found ?? recipe.names[0] ?? name);
  const dtype = storedDType(entry);
  if (recipe.layout === "conv1d") return readConvolution(entry, dtype, shape, checkpoint);
  if (recipe.layout === "transposed") return readTransposed(entry, dtype, shape, checkpoint);
  checkShape(entry, [entry.shape[0] ?? 1, ...(shape.length > 1 ? [product(entry.shape.slice(1))] : [])], shape);
  const { interleavedHeads } = entry;
  if (interleavedHeads === undefined) return { dtype, shape, location: partOf(entry) };
  return { dtype, shape, location: { kind: "bytes", bytes: orderHeadRows(await checkpoint.read(entry.name), entry, interleavedHeads) } };
}

/** Rows of a larger tensor. They are whole blocks of bytes, whatever its dtype. */
function cutFused(entry: TensorEntry, shape: readonly number[], { part, parts }: NonNullable<WeightRecipe["fused"]>): WeightData {
  const dtype = storedDType(entry);
  checkShape(entry, entry.shape, [shape[0]! * parts, ...shape.slice(1)]);
  const byteLength = entry.byteLength / parts;
  if (entry.compute === undefined) return { dtype, shape, location: { kind: "file", file: entry.file, offset: entry.offset + part * byteLength, byteLength } };
  const { compute } = entry;
  return { dtype, shape, location: { kind: "computed", byteLength, compute: async () => (await compute()).subarray(part * byteLength, (part + 1) * byteLength) } };
}

/** A stack of experts: see `findExperts`. Nothing is read here. */
function findStack({ names, layout }: WeightRecipe, shape: readonly [number, number, number], checkpoint: Checkpoint): WeightData {
  const found = findExperts(names, shape, checkpoint, layout === "transposed");
  const first = found?.entries[0]?.entry ?? checkpoint.entry(names[0]!);
  const dtype = storedDType(first);
  if (layout === "transposed" && !["f32", "f16", "bf16"].includes(dtype)) throw new UnsupportedError({ feature: `${first.file}: experts of dtype ${first.dtype} that must be turned` });
  for (const { entry, shape: expected } of found?.entries ?? []) {
    checkShape(entry, entry.shape, expected);
    if (entry.dtype !== first.dtype) throw new UnsupportedError({ feature: `${entry.file}: experts of several dtypes (${first.name} is ${first.dtype}, ${entry.name} is ${entry.dtype})` });
  }
  return { dtype, shape, location: { kind: "parts", parts: found?.parts ?? [] } };
}

function storedDType(entry: TensorEntry): StorageDType {
  const dtype = entry.dtype.toLowerCase();
  if (!isStorageDType(dtype)) throw new UnsupportedError({ feature: `${entry.file}: dtype ${entry.dtype} of tensor ${entry.name}`, supported: storageDTypes });
  return dtype;
}

/** Turns [out, in, kernel] into [out, kernel × in] without touching a value. */
async function readConvolution(entry: TensorEntry, dtype: StorageDType, shape: readonly number[], checkpoint: Checkpoint): Promise<WeightData> {
  const [out = 0, width = 0, kernel = 0] = entry.shape;
  checkShape(entry, entry.shape.length === 3 ? [out, kernel * width] : entry.shape, shape);
  const bytes = await checkpoint.read(entry.name);
  const patterns = dtype === "f32" ? Uint32Array : Uint16Array;
  const stored = new patterns(bytes.slice().buffer);
  const turned = new patterns(stored.length);
  let from = 0;
  for (let row = 0; row < out; row++) {
    for (let channel = 0; channel < width; channel++) {
      for (let tap = 0; tap < kernel; tap++) turned[(row * kernel + tap) * width + channel] = stored[from++]!;
    }
  }
  return { dtype, shape, location: { kind: "bytes", bytes: new Uint8Array(turned.buffer) } };
}

/** Turns [in, out] into [out, in] without touching a value. */
async function readTransposed(entry: TensorEntry, dtype: StorageDType, shape: readonly number[], checkpoint: Checkpoint): Promise<WeightData> {
  const [rows = 0, columns = 0] = entry.shape.slice(-2);
  const plain = product(entry.shape) === rows * columns && (dtype === "f32" || dtype === "f16" || dtype === "bf16");
  checkShape(entry, plain ? [columns, rows] : entry.shape, shape);
  const bytes = await checkpoint.read(entry.name);
  const patterns = dtype === "f32" ? Uint32Array : Uint16Array;
  const stored = new patterns(bytes.slice().buffer);
  const turned = stored.map((_, index) => stored[(index % rows) * columns + Math.floor(index / rows)]!);
  return { dtype, shape, location: { kind: "bytes", bytes: new Uint8Array(turned.buffer) } };
}

function checkShape(entry: TensorEntry, received: readonly number[], expected: readonly number[]): void {
  if (received.length === expected.length && received.every((length, axis) => length === expected[axis])) return;
  throw new InvalidFileError(
    {
      file: entry.file,
      problem: `tensor ${entry.name} has shape [${entry.shape.join(", ")}] where the configuration asks for [${expected.join(", ")}]`,
      pointer: jsonPointer([entry.name, "shape"]),
    },
    { hint: "config.json and the weights belong to different models, or one of them was changed." },
  );
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((result, length) => result * length, 1);
}
