import type { DeviceSpeed, DType, ErrorFacts, Operation, StorageDType, TensorRole } from "@polywen/tensor";

/** The version of this surface that the TypeScript side speaks; the addon names its own. */
export const API_VERSION = 5;

/** What the native addon exports. Its methods throw and reject with `NativeError`. */
export interface NativeAddon {
  readonly apiVersion: number;
  /** An empty tier means the best one. */
  readonly Engine: new (options: { readonly tier: string; readonly threads: number; readonly activations: "int8" | "f32" }) => NativeEngine;
  readonly Control: new () => NativeControl;
  readonly Resource: new (spec: { name: string; dtype: "f32" | "bf16"; shape: readonly number[]; paged: boolean }) => NativeHandle;
  readonly Program: new (parts: NativeProgramParts) => NativeProgram;
  /** Bytes that a matrix or vector takes once it is loaded. */
  readonly weightBytes: (weight: Pick<NativeWeightSource, "dtype" | "shape">) => number;
}

/** An error of native code: `facts` are those of the class of errors that `code` belongs to. */
export interface NativeError extends Error {
  readonly code: string;
  readonly facts: ErrorFacts;
}

/** Threads and the queue of their jobs, which run one at a time in order; one in the background gives way to the others. */
export interface NativeEngine {
  readonly tier: string;
  loadWeights(list: readonly NativeWeightSource[], control: NativeControl): Promise<NativeWeights>;
  run(program: NativeProgram, sizes: readonly number[], control: NativeControl, background: boolean): Promise<void>;
  measureSpeed(control: NativeControl): Promise<DeviceSpeed>;
  /** Aborts all jobs; resolves when they have ended. Nothing else may be called afterwards. */
  close(): Promise<void>;
}

/** Watches and stops one job. */
export interface NativeControl {
  /** Bytes finished so far. */
  readonly done: number;
  abort(): void;
}

/** Native memory: weights or a resource. */
export interface NativeHandle {
  readonly byteLength: number;
  dispose(): void;
}

/** Weights that the kernels can read. */
export interface NativeWeights extends NativeHandle {
  /** Moves all weights of `other` here. Only before a program uses either. */
  take(other: NativeWeights): void;
}

/** A compiled program. */
export interface NativeProgram {
  readonly arenaByteLength: number;
  dispose(): void;
}

/** A weight in memory (`bytes`) or in a file. */
export interface NativeWeightSource {
  readonly name: string;
  readonly dtype: StorageDType;
  readonly shape: readonly number[];
  readonly bytes?: Uint8Array;
  readonly file?: string;
  readonly offset?: number;
}

/** A validated, lowered and planned program with everything it is bound to. */
export interface NativeProgramParts {
  readonly name: string;
  /** Of the dimensions, in order. */
  readonly capacities: readonly number[];
  readonly tensors: readonly NativeTensor[];
  readonly operations: readonly Operation[];
  readonly arenaByteLength: number;
  readonly weights: NativeWeights;
  readonly resources: readonly { readonly tensor: number; readonly resource: NativeHandle }[];
}

/** A tensor and where it lies. */
export interface NativeTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly role: TensorRole;
  /** First axis: the size of a dimension (-1: one) times `multiply` divided by `divide`. */
  readonly rows: { readonly dimension: number; readonly multiply: number; readonly divide: number };
  /** The other axes. */
  readonly axes: readonly number[];
  /** Byte offset in the arena, or -1. */
  readonly offset: number;
  /** The tensor outside the arena whose memory a reshape shares, or -1. */
  readonly alias: number;
  /** Inputs and outputs: their memory, of full capacity. */
  readonly buffer?: ArrayBuffer;
}
