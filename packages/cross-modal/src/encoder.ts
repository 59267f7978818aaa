import type { WeightNaming } from "@polywen/core";
import type { LongCallOptions, ProgramBuilder, Sizes, TensorSpec, WeightData } from "@polywen/tensor";
import type { FeatureGrid } from "./connectors/connector.ts";
import type { NetworkAccess } from "./source/network-policy.ts";

/** What stops the reading of a medium, and what it may fetch. An encoder that reads sources passes both on to `readMediaSource`. */
export interface PrepareOptions extends LongCallOptions {
  /** What the model's user allows to fetch. Absent: nothing. */
  readonly network?: NetworkAccess | undefined;
}

/** A piece of a medium that does not lie in the prompt as a whole. */
export interface MediumPiece {
  /** Text around its rows; special tokens in it are special. */
  readonly before: string;
  readonly after: string;
  readonly rows: number;
  readonly grid?: readonly [number, number, number];
}

/** A medium made ready for its program: sizes and inputs of one run, and what the prompt needs to know. */
export interface PreparedMedium {
  /** Media rows that the connector will make of it. */
  readonly rows: number;
  /** Frames, height and width of the rows, for pictures; absent for media that run in time. */
  readonly grid?: readonly [number, number, number];
  /** Seconds from one frame of the grid to the next, for videos. */
  readonly secondsPerFrame?: number;
  /** The rows in their order, where text stands between them. Absent: they lie together. */
  readonly pieces?: readonly MediumPiece[];
  /** Size of every dimension that `build` declares. */
  readonly sizes: Sizes;
  /** Content of every input that `build` declares. */
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** A medium made ready for an encoder that leaves it to the connector how many media rows become of its features. */
export interface PreparedFeatures {
  readonly features: FeatureGrid;
  readonly sizes: PreparedMedium["sizes"];
  readonly inputs: PreparedMedium["inputs"];
}

/** An encoder that is a program: runs on the backend between the steps of the text model. */
export interface ProgramEncoder<Input> {
  readonly kind: "program";
  /** Names of the dimensions that `build` declares. */
  readonly dimensions: readonly string[];
  /** Decodes and preprocesses; no arithmetic of the model happens here. */
  prepare(input: Input, options: PrepareOptions): Promise<PreparedMedium | PreparedFeatures>;
  /**
   * Appends the encoder; declares dimensions with the given capacities and its inputs; returns features [n, width], or a list
   * of them with those of earlier layers behind.
   */
  build(builder: ProgramBuilder, capacities: Sizes): TensorSpec | readonly TensorSpec[];
  /** Where its weights are in a checkpoint. Absent: under their own names. */
  readonly naming?: WeightNaming;
  /** A folder or file of safetensors that holds the encoder's weights. Absent: they lie with those of the adapter. */
  readonly weights?: string;
  /** Weights that are computed, not stored. */
  readonly derived?: ReadonlyMap<string, WeightData>;
}

/** Features as a function encoder returns them. */
export interface Features {
  /** Row-major [rows, width]. */
  readonly features: Float32Array;
  readonly rows: number;
  /** Frames, height and width, for connectors that need to know; absent for media that run in time. */
  readonly grid?: readonly [number, number, number];
}

/** An encoder that is any async function: `{ kind: "function", width: 8, encode: async (input) => ({ features, rows }) }`. */
export interface FunctionEncoder<Input> {
  readonly kind: "function";
  /** Width of a feature row. */
  readonly width: number;
  encode(input: Input, options: PrepareOptions): Promise<Features>;
}

/** Turns the input of a modality into features. */
export type Encoder<Input> = ProgramEncoder<Input> | FunctionEncoder<Input>;
