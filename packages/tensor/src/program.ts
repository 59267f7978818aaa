import type { DType } from "./dtype.ts";
import type { Operation, TensorId } from "./operations.ts";
import type { Dimension, Shape } from "./shape.ts";

/**
 * Where the content of a tensor comes from and how long it lives: `weight` is loaded once per model, `input` is
 * written before a run, `temporary` lives inside a run, `output` can be read after it, `resource` outlives runs
 * and is shared by programs.
 */
export type TensorRole = "weight" | "input" | "temporary" | "output" | "resource";

/** One tensor of a program. A weight's dtype is what operations see (f32); its storage is its own affair. */
export interface TensorSpec {
  readonly id: TensorId;
  /** Unique in the program. Weights and resources are bound by it. */
  readonly name: string;
  readonly role: TensorRole;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A list of operations over named tensors in single-assignment form; plain data. */
export interface Program {
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  readonly tensors: readonly TensorSpec[];
  readonly operations: readonly Operation[];
}
