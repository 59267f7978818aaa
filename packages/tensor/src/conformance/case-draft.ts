import type { ResourceSpec, WeightData } from "../backend.ts";
import type { StorageDType } from "../dtype.ts";
import { ProgramBuilder } from "../program-builder.ts";
import type { TensorSpec } from "../program.ts";
import { elementCount, type Extent, type Shape } from "../shape.ts";
import { encodeFloats } from "./encode-floats.ts";
import type { CaseRun, PreparedCase } from "./prepared-case.ts";
import { randomBlocks } from "./random-blocks.ts";
import { SeededRandom } from "./seeded-random.ts";

/** A program under construction whose tensors are declared together with their data. */
export class CaseDraft {
  readonly builder: ProgramBuilder;
  readonly random: SeededRandom;
  readonly #weights = new Map<string, WeightData>();
  readonly #resources: ResourceSpec[] = [];
  readonly #sizes: Record<string, number> = {};
  readonly #inputs: Record<string, readonly number[]> = {};
  readonly #laterRuns: CaseRun[] = [];

  constructor(name: string) {
    this.builder = new ProgramBuilder(name);
    this.random = new SeededRandom(name);
  }

  /** A dimension of `size` in the first run; its capacity is larger, so that a buffer is never just full. */
  dimension(name: string, size: number, capacity: number = size + 3): Extent {
    this.#sizes[name] = size;
    return this.builder.dimension(name, capacity);
  }

  /** A weight, by default normal numbers over the square root of its last axis. */
  weight(name: string, shape: readonly number[], options: { dtype?: StorageDType; values?: readonly number[] } = {}): TensorSpec {
    const { dtype = "f32", values = this.random.normals(elementCount(shape, {}), shape.at(-1)! ** -0.5) } = options;
    this.#weights.set(name, { dtype, shape, location: { kind: "bytes", bytes: encodeFloats(values, dtype) } });
    return this.builder.weight(name, shape);
  }

  /** A matrix of random quantised blocks. */
  blocks(name: string, shape: readonly number[], dtype: StorageDType): TensorSpec {
    const bytes = randomBlocks(this.random, dtype, elementCount(shape, {}));
    this.#weights.set(name, { dtype, shape, location: { kind: "bytes", bytes } });
    return this.builder.weight(name, shape);
  }

  /** An f32 input, by default of normal numbers. */
  floats(name: string, shape: Shape, values?: readonly number[]): TensorSpec {
    return this.#input(name, "f32", shape, values ?? this.random.normals(elementCount(shape, this.#sizes)));
  }

  /** An i32 input. */
  integers(name: string, shape: Shape, values: readonly number[]): TensorSpec {
    return this.#input(name, "i32", shape, values);
  }

  /** A u32 input. */
  words(name: string, shape: Shape, values: readonly number[]): TensorSpec {
    return this.#input(name, "u32", shape, values);
  }

  /** A resource. */
  resource(name: string, dtype: "f32" | "bf16", shape: readonly number[], paged: boolean): TensorSpec {
    this.#resources.push({ name, dtype, shape, paged });
    return this.builder.resource(name, dtype, shape);
  }

  /** One more run after the first; what is not given is as in the first run, cut to the new sizes. */
  thenRun(run: Partial<CaseRun>): void {
    this.#laterRuns.push({ sizes: { ...this.#sizes, ...run.sizes }, inputs: { ...this.#inputs, ...run.inputs } });
  }

  /** Program and data. */
  finish(): PreparedCase {
    const first = { sizes: { ...this.#sizes }, inputs: { ...this.#inputs } };
    return { program: this.builder.build(), weights: this.#weights, resources: this.#resources, runs: [first, ...this.#laterRuns] };
  }

  #input(name: string, dtype: "f32" | "i32" | "u32", shape: Shape, values: readonly number[]): TensorSpec {
    this.#inputs[name] = values;
    return this.builder.input(name, dtype, shape);
  }
}
