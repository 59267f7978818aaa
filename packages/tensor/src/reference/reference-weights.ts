import { open, stat, type FileHandle } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { locationByteLength, type FileRange, type LoadWeightsOptions, type WeightData, type WeightLocation, type WeightPart, type Weights } from "../backend.ts";
import { storageFormatOf } from "../dtype.ts";
import { DisposedError, InvalidArgumentError, InvalidFileError, NotFoundError } from "../errors/errors.ts";
import { throwIfAborted } from "../errors/throw-if-aborted.ts";
import { decodeFloats } from "../storage/decode-floats.ts";
import { computeBytes, validateWeight } from "../validate-weight.ts";
import { allocate } from "./allocate.ts";

/** About how many bytes are read and converted at once. */
const SLICE_BYTES = 1 << 20;

/** A weight as f32, row-major. */
export interface ReferenceWeight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** All weights of a model as f32. */
export class ReferenceWeights implements Weights {
  readonly byteLength: number;
  #weights: ReadonlyMap<string, ReferenceWeight> | undefined;

  constructor(weights: ReadonlyMap<string, ReferenceWeight>) {
    this.#weights = weights;
    this.byteLength = [...weights.values()].reduce((sum, weight) => sum + weight.values.byteLength, 0);
  }

  /** Throws `NotFoundError` for an unknown name and `DisposedError` after `dispose()`. */
  get(name: string): ReferenceWeight {
    if (this.#weights === undefined) throw new DisposedError({ object: "weights" });
    const weight = this.#weights.get(name);
    if (weight === undefined) throw new NotFoundError({ what: "weight", name });
    return weight;
  }

  /** Throws `DisposedError` after `dispose()`. */
  assertUsable(): void {
    if (this.#weights === undefined) throw new DisposedError({ object: "weights" });
  }

  dispose(): void {
    this.#weights = undefined;
  }
}

/**
 * Reads weights from memory or files in slices. Throws `InvalidArgumentError` where a shape and its bytes disagree,
 * `InvalidFileError` where a file is too short, `NotFoundError` where it is missing, `AbortedError`, `OutOfMemoryError`.
 */
export async function loadReferenceWeights(sources: ReadonlyMap<string, WeightData>, options: LoadWeightsOptions = {}): Promise<ReferenceWeights> {
  for (const [name, source] of sources) {
    validateWeight(name, source);
    for (const part of partsOf(source.location)) if (part.kind === "file") await checkFile(name, part);
  }
  const total = [...sources.values()].reduce((sum, { location }) => sum + locationByteLength(location), 0);
  const weights = new Map<string, ReferenceWeight>();
  let done = 0;
  for (const [name, { dtype, shape, location }] of sources) {
    const values = allocate(`weight ${name}`, "f32", shape.reduce((product, length) => product * length, 1));
    const { values: blockValues, bytes: blockBytes } = storageFormatOf(dtype);
    let filled = 0;
    for await (const slice of slicesOf(name, location, SLICE_BYTES - (SLICE_BYTES % blockBytes))) {
      throwIfAborted(options.signal, "loading weights");
      values.set(decodeFloats(slice, dtype), filled);
      filled += (slice.byteLength / blockBytes) * blockValues;
      done += slice.byteLength;
      options.onProgress?.(done, total);
    }
    weights.set(name, { shape, values });
  }
  return new ReferenceWeights(weights);
}

/** Fails before anything is allocated where a file cannot hold a weight. */
async function checkFile(name: string, { file, offset, byteLength }: FileRange): Promise<void> {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new InvalidArgumentError({ argument: `offset of weight ${name}`, expected: "an integer from 0 on", received: offset });
  const { size } = await stat(file).catch((cause: unknown) => refuseFile(file, cause));
  if (offset + byteLength > size) throw new InvalidFileError({ file, offset: size, problem: `the file ends inside weight ${name}` });
}

function refuseFile(file: string, cause: unknown): never {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOENT") throw new NotFoundError({ what: "file", name: file }, { cause });
  throw new InvalidFileError({ file, problem: `the file cannot be read (${code})` }, { cause });
}

function partsOf(location: WeightLocation): readonly WeightPart[] {
  if (location.kind === "bytes") return [];
  return location.kind === "parts" ? location.parts : [location];
}

/** The bytes of a weight, `step` at a time: whole blocks. */
async function* slicesOf(name: string, location: WeightLocation, step: number): AsyncGenerator<Uint8Array> {
  if (location.kind === "bytes") yield* slicesOfBytes(location.bytes, step);
  for (const part of partsOf(location)) {
    if (part.kind === "file") yield* slicesOfRange(part, step);
    else yield* slicesOfBytes(await computeBytes(name, part), step);
  }
}

async function* slicesOfBytes(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += step) {
    yield bytes.subarray(start, start + step);
    await setImmediate();
  }
}

async function* slicesOfRange(range: FileRange, step: number): AsyncGenerator<Uint8Array> {
  const file = await open(range.file, "r").catch((cause: unknown) => refuseFile(range.file, cause));
  try {
    for (let start = 0; start < range.byteLength; start += step) {
      const slice = new Uint8Array(Math.min(step, range.byteLength - start));
      await readFully(file, slice, range.offset + start, range.file);
      yield slice;
    }
  } finally {
    await file.close();
  }
}

async function readFully(file: FileHandle, target: Uint8Array, offset: number, name: string): Promise<void> {
  let filled = 0;
  while (filled < target.byteLength) {
    const { bytesRead } = await file.read(target, filled, target.byteLength - filled, offset + filled).catch((cause: unknown) => refuseFile(name, cause));
    if (bytesRead === 0) throw new InvalidFileError({ file: name, offset: offset + filled, problem: "the file ends inside a weight" });
    filled += bytesRead;
  }
}
