import type { DType, StorageDType, TypedArrayOf } from "./dtype.ts";
import type { OperationKind } from "./operations.ts";
import type { Program } from "./program.ts";
import type { Sizes } from "./shape.ts";

/** Where the bytes of a weight are: in memory, in a file that the backend reads itself, yet to be computed, or for a stack in one part for each matrix. */
export type WeightLocation =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | WeightPart
  | { readonly kind: "parts"; readonly parts: readonly WeightPart[] };

/** Where the bytes of one matrix are. */
export type WeightPart = FileRange | ComputedBytes;

/** Bytes of a file. */
export interface FileRange {
  readonly kind: "file";
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * Bytes that no file holds as they are. A backend asks for them once, for one weight after the other, and lets go of them
 * before it asks for many more, so that there is never a second copy of a model in memory.
 */
export interface ComputedBytes {
  readonly kind: "computed";
  readonly byteLength: number;
  compute(): Promise<Uint8Array>;
}

/** Bytes that a location spans. */
export function locationByteLength(location: WeightLocation): number {
  if (location.kind === "bytes") return location.bytes.byteLength;
  return location.kind === "parts" ? location.parts.reduce((sum, part) => sum + part.byteLength, 0) : location.byteLength;
}

/**
 * A stored weight, row-major and little-endian. Rank 2 is a matrix [out, in], rank 1 a vector; rank 3 is a stack of
 * matrices [experts, out, in], which may lie in as many parts of equal length.
 */
export interface WeightData {
  readonly dtype: StorageDType;
  readonly shape: readonly number[];
  readonly location: WeightLocation;
}

/** A weight that was computed rather than stored. `shape` has one to three axes; `values` are row-major. */
export function weightFromFloats(values: Float32Array, shape: readonly number[]): WeightData {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: "f32", shape, location: { kind: "bytes", bytes } };
}

/** Options of every long call. */
export interface LongCallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of `CompiledProgram.run`. */
export interface RunOptions extends LongCallOptions {
  /** Lets other runs of the backend, which find it at work, take turns with this one. For long runs that nobody waits for at every moment. */
  readonly background?: boolean | undefined;
}

/** Options of `Backend.loadWeights`. */
export interface LoadWeightsOptions extends LongCallOptions {
  /** Called with bytes read so far and in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Weights that a backend has read and laid out for its kernels; shared by all programs of a model. */
export interface Weights {
  /** Bytes that the laid-out weights occupy. */
  readonly byteLength: number;
  dispose(): void;
}

/** What to create a resource from. */
export interface ResourceSpec {
  readonly name: string;
  /** `f32` is exact, `bf16` halves the memory. */
  readonly dtype: "f32" | "bf16";
  /** [slots, …]; a paged resource has a multiple of `PAGE_ROWS` slots and shape [slots, heads, width]. */
  readonly shape: readonly number[];
  /** True for keys and values that attention reads through pages; decides the layout. */
  readonly paged: boolean;
}

/** Memory that outlives runs: pages of keys and values, rows of media. Its initial content is zero. */
export interface Resource {
  readonly spec: ResourceSpec;
  readonly byteLength: number;
  dispose(): void;
}

/** What a program is compiled against. Names are those of the program's weights and resources. */
export interface Bindings {
  readonly weights: Weights;
  readonly resources?: Readonly<Record<string, Resource>>;
}

/**
 * A program with its memory and kernels chosen. Inputs and outputs are fixed buffers of full capacity: write the
 * first part of an input, run, read the first part of an output. One run at a time.
 */
export interface CompiledProgram {
  readonly program: Program;
  /** Bytes of temporaries, inputs and outputs. */
  readonly byteLength: number;
  /** The buffer of an input. */
  input<D extends DType>(name: string, dtype: D): TypedArrayOf<D>;
  /** The buffer of an output, valid until the next run. */
  output<D extends DType>(name: string, dtype: D): TypedArrayOf<D>;
  /**
   * Runs all operations off the main thread (on `reference`: in slices between timers). Rejects with
   * `AbortedError` soon after `signal` fires: stores may then have happened in part.
   */
  run(sizes: Sizes, options?: RunOptions): Promise<void>;
  dispose(): void;
}

/** What a backend runs on. */
export interface DeviceInfo {
  /** For people: `AMD EPYC …, AVX2`. */
  readonly description: string;
  /** The instruction tier or compute capability in use. */
  readonly tier: string;
  readonly threads: number;
}

/** What a device can do at most, per second, all threads together: what a benchmark compares itself with. */
export interface DeviceSpeed {
  /** Bytes read from memory. */
  readonly readBandwidth: number;
  /** Multiplications and additions of 8-bit integers with the instructions of the tier; 0 where that is not measured. */
  readonly int8Operations: number;
  /** The same of 32-bit floats. */
  readonly floatOperations: number;
}

/** Executes programs. Model code never asks which one it has. */
export interface Backend {
  readonly name: "reference" | "cpu" | "cuda";
  readonly device: DeviceInfo;
  /** Whether an optional, fused operation is native here; required ones always are. */
  supports(kind: OperationKind): boolean;
  /** Reads and lays out weights. Rank-2 weights serve `linear` and `embedding`, rank-3 weights `experts`, rank-1 weights the rest. */
  loadWeights(weights: ReadonlyMap<string, WeightData>, options?: LoadWeightsOptions): Promise<Weights>;
  /** Bytes that a weight will take once it is loaded. */
  weightByteLength(weight: Pick<WeightData, "dtype" | "shape">): number;
  createResource(spec: ResourceSpec): Resource;
  /** Validates, lowers, plans and binds a program. */
  compile(program: Program, bindings: Bindings): CompiledProgram;
  /** Measures the device, in less than a second. Absent where the result would mean nothing. */
  measureSpeed?(options?: LongCallOptions): Promise<DeviceSpeed>;
  dispose(): Promise<void>;
}
