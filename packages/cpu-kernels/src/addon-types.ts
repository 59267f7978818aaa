import type { ErrorFacts, Operation, TensorRole } from "@polywen/tensor";

/** Version of the surface below; the addon reports the one it was built with. */
export const ADDON_API_VERSION = 1;

/** The whole surface of the native addon, written by hand. Errors that it throws are `NativeError`s. */
export interface Addon {
  readonly apiVersion: number;
  readonly Engine: new (options: { readonly tier: string; readonly threads: number }) => NativeEngine;
  readonly Control: new () => NativeControl;
  readonly Resource: new (spec: { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly paged: boolean }) => NativeHandle;
  readonly Program: new (program: NativeProgramSource) => NativeProgram;
}

/** An error as it crosses the border. */
export interface NativeError extends Error {
  readonly code: string;
  readonly facts: ErrorFacts;
}

/** Kernels, threads and the queue of their jobs. */
export interface NativeEngine {
  readonly tier: string;
  loadWeights(weights: readonly NativeWeightSource[], control: NativeControl): Promise<NativeHandle>;
  run(program: NativeProgram, sizes: readonly number[], control: NativeControl): Promise<void>;
  /** Aborts what runs; settled when all jobs have ended. */
  close(): Promise<void>;
}

/** Stops a job, and counts what it has done. */
export interface NativeControl {
  /** Bytes read, for `loadWeights`. */
  readonly done: number;
  abort(): void;
}

/** Weights or a resource. */
export interface NativeHandle {
  readonly byteLength: number;
  dispose(): void;
}

/** A compiled program. */
export interface NativeProgram {
  readonly arenaByteLength: number;
  dispose(): void;
}

/** A weight in memory, or in a file. */
export type NativeWeightSource = { readonly name: string; readonly dtype: string; readonly shape: readonly number[] } & (
  | { readonly bytes: Uint8Array }
  | { readonly file: string; readonly offset: number }
);

/** What `Program` is made from: a validated program with its memory planned. */
export interface NativeProgramSource {
  readonly name: string;
  /** Of the dimensions, in the order in which sizes are given. */
  readonly capacities: readonly number[];
  readonly tensors: readonly NativeTensor[];
  readonly operations: readonly Operation[];
  readonly arenaByteLength: number;
  readonly weights: NativeHandle;
  readonly resources: readonly { readonly tensor: number; readonly resource: NativeHandle }[];
}

/** A tensor: its first axis apart from the others, and where its memory is. */
export interface NativeTensor {
  readonly name: string;
  readonly dtype: string;
  readonly role: TensorRole;
  /** `dimension` -1: `multiply` is the length itself. */
  readonly rows: { readonly dimension: number; readonly multiply: number; readonly divide: number };
  readonly axes: readonly number[];
  /** A reshape of a tensor outside the arena: that tensor; else -1. */
  readonly alias: number;
  /** Byte offset in the arena; -1 outside. */
  readonly offset: number;
  /** Inputs and outputs: memory of full capacity that both sides share. */
  readonly buffer?: ArrayBuffer;
}
