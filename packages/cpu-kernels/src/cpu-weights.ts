import { isAbsolute, resolve } from "node:path";
import { computeBytes, InvalidArgumentError, locationByteLength, throwIfAborted, validateWeight, type LoadWeightsOptions, type WeightData, type WeightLocation, type Weights } from "@polywen/tensor";
import type { NativeAddon, NativeEngine, NativeWeights, NativeWeightSource } from "./addon-types.ts";
import { withControl } from "./with-control.ts";

/** How often progress is reported, in milliseconds. */
const PROGRESS_INTERVAL = 50;

/** About how many bytes are computed before they are laid out. */
const BATCH_BYTES = 1 << 26;

/** A weight of one or two axes. */
type Matrix = readonly [name: string, weight: WeightData];

/** Weights in native memory, laid out for the kernels. */
export class CpuWeights implements Weights {
  readonly byteLength: number;
  readonly handle: NativeWeights;

  constructor(handle: NativeWeights) {
    this.handle = handle;
    this.byteLength = handle.byteLength;
  }

  dispose(): void {
    this.handle.dispose();
  }
}

/**
 * Reads weights on the engine's threads. Throws `InvalidArgumentError` where a shape and its bytes disagree,
 * `InvalidFileError` where a file is too short, `NotFoundError` where it is missing, `AbortedError`, `OutOfMemoryError`.
 */
export async function loadCpuWeights(addon: NativeAddon, engine: NativeEngine, weights: ReadonlyMap<string, WeightData>, options: LoadWeightsOptions = {}): Promise<CpuWeights> {
  const { signal, onProgress } = options;
  const matrices = [...weights].flatMap(([name, weight]) => matricesOf(name, weight));
  const total = [...weights.values()].reduce((sum, { location }) => sum + locationByteLength(location), 0);
  return withControl(addon, "loading weights", signal, async (control) => {
    const timer = onProgress && setInterval(() => onProgress(control.done, total), PROGRESS_INTERVAL);
    try {
      const handle = await engine.loadWeights(matrices.filter(([, { location }]) => location.kind !== "computed").map((matrix) => sourceOf(...matrix)), control);
      for await (const batch of computedBatches(matrices, signal)) handle.take(await engine.loadWeights(batch, control));
      onProgress?.(total, total);
      return new CpuWeights(handle);
    } finally {
      clearInterval(timer);
    }
  });
}

/** What is yet to be computed, in parts small enough to be in memory twice. */
async function* computedBatches(matrices: readonly Matrix[], signal: AbortSignal | undefined): AsyncGenerator<readonly NativeWeightSource[]> {
  let batch: NativeWeightSource[] = [];
  let byteLength = 0;
  for (const [name, { dtype, shape, location }] of matrices) {
    if (location.kind !== "computed") continue;
    throwIfAborted(signal, "loading weights");
    const bytes = await computeBytes(name, location);
    batch.push({ name, dtype, shape, bytes });
    byteLength += bytes.byteLength;
    if (byteLength < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    byteLength = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Native code knows no stacks: the matrices of one are weights of their own, numbered behind a `#`. */
function matricesOf(name: string, weight: WeightData): readonly Matrix[] {
  validateWeight(name, weight);
  const { dtype, shape, location } = weight;
  if (shape.length < 1 || shape.length > 3) throw new InvalidArgumentError({ argument: `shape of weight ${name}`, expected: "one to three lengths", received: `[${shape}]` });
  if (shape.length !== 3) return [[name, weight]];
  const [count, ...matrix] = shape as [number, number, number];
  const byteLength = locationByteLength(location) / count;
  return Array.from({ length: count }, (_, index) => [`${name}#${index}`, { dtype, shape: matrix, location: partOf(location, index, byteLength) }] as const);
}

function partOf(location: WeightLocation, index: number, byteLength: number): WeightLocation {
  if (location.kind === "bytes") return { kind: "bytes", bytes: location.bytes.subarray(index * byteLength, (index + 1) * byteLength) };
  if (location.kind === "file") return { ...location, offset: location.offset + index * byteLength, byteLength };
  return location.kind === "parts" ? location.parts[index]! : location;
}

function sourceOf(name: string, { dtype, shape, location }: WeightData): NativeWeightSource {
  if (location.kind === "bytes") return { name, dtype, shape, bytes: location.bytes };
  if (location.kind !== "file") throw new InvalidArgumentError({ argument: `location of weight ${name}`, expected: "one part, for it is no stack", received: location.kind });
  const { file, offset } = location;
  if (!Number.isSafeInteger(offset) || offset < 0) throw new InvalidArgumentError({ argument: `offset of weight ${name}`, expected: "an integer from 0 on", received: offset });
  return { name, dtype, shape, file: isAbsolute(file) ? file : resolve(file), offset };
}
