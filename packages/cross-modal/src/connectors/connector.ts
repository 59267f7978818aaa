import type { WeightNaming } from "@polywen/core";
import { dividedBy, InvalidArgumentError, type ProgramBuilder, type Sizes, type TensorSpec } from "@polywen/tensor";

/** How many rows of features a medium has, and how they lie where it is a picture: frames, height and width. */
export interface FeatureGrid {
  readonly rows: number;
  readonly grid?: readonly [number, number, number] | undefined;
}

/** What a connector makes of one medium: media rows, their grid, and what its part of the program needs for one run. */
export interface ConnectorRun extends FeatureGrid {
  /** Size of every dimension that `build` declares. */
  readonly sizes?: Sizes;
  /** Content of every input that `build` declares. */
  readonly inputs?: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Turns features [n, width] into media rows [rows, hidden size]; always a piece of program. */
export interface Connector {
  /** How many feature rows make one media row; rows left over at the end of a function's features are dropped. */
  readonly stack: number;
  /** Names of the dimensions that `build` declares. Absent: none. */
  readonly dimensions?: readonly string[];
  /** What it makes of features. Absent: a media row of every `stack` feature rows, without inputs of its own. */
  prepare?(features: FeatureGrid): ConnectorRun;
  /**
   * Appends the connector. `hiddenSize` is the width of the text model. `deeper` are features of earlier layers, of encoders
   * that give them; a connector for a text model that reads several levels returns the rows of each, all equally many.
   * Dimensions are declared with the given capacities.
   */
  build(builder: ProgramBuilder, features: TensorSpec, hiddenSize: number, deeper: readonly TensorSpec[], capacities: Sizes): TensorSpec | readonly TensorSpec[];
  /** Where its weights are in a checkpoint. Absent: under their own names. */
  readonly naming?: WeightNaming;
}

/** Lays `stack` consecutive rows side by side. */
export function stackRows(builder: ProgramBuilder, features: TensorSpec, stack: number): TensorSpec {
  if (stack === 1) return features;
  return builder.reshape(features, [dividedBy(features.shape[0]!, stack), (features.shape[1] as number) * stack]);
}

/** A linear layer with weights `NAME.weight` [out, in] and `NAME.bias`. */
export function dense(builder: ProgramBuilder, input: TensorSpec, out: number, name: string): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]), builder.weight(`${name}.bias`, [out]));
}

/** An option that counts something. Throws `InvalidArgumentError`. */
export function positiveInteger(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError({ argument, expected: "a positive integer", received: value });
}
