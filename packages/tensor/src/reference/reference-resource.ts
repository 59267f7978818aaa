import type { Resource, ResourceSpec } from "../backend.ts";
import { byteLengthOf } from "../dtype.ts";
import { DisposedError } from "../errors/errors.ts";
import { bf16ToF32, f32ToBf16 } from "../float-conversion.ts";
import { validateResourceSpec } from "../validate-resource.ts";
import { allocate } from "./allocate.ts";

/** Cells of f32 or bf16 in row-major order. */
export class ReferenceResource implements Resource {
  readonly spec: ResourceSpec;
  readonly byteLength: number;
  #cells: Float32Array | Uint16Array | undefined;

  /** Throws `InvalidArgumentError` for a shape that is not one and `OutOfMemoryError`. */
  constructor(spec: ResourceSpec) {
    validateResourceSpec(spec);
    this.spec = spec;
    const elements = spec.shape.reduce((product, length) => product * length, 1);
    this.byteLength = elements * byteLengthOf(spec.dtype);
    this.#cells = allocate(`resource ${spec.name}`, spec.dtype, elements);
  }

  /** Copies `target.length` cells from cell `first` on. */
  read(first: number, target: Float32Array): void {
    const cells = this.#usable();
    if (cells instanceof Float32Array) for (let i = 0; i < target.length; i++) target[i] = cells[first + i]!;
    else for (let i = 0; i < target.length; i++) target[i] = bf16ToF32(cells[first + i]!);
  }

  /** Writes cells from cell `first` on, rounding to the resource's dtype. */
  write(first: number, values: Float32Array): void {
    const cells = this.#usable();
    if (cells instanceof Float32Array) cells.set(values, first);
    else for (let i = 0; i < values.length; i++) cells[first + i] = f32ToBf16(values[i]!);
  }

  /** Throws `DisposedError` after `dispose()`. */
  assertUsable(): void {
    this.#usable();
  }

  dispose(): void {
    this.#cells = undefined;
  }

  #usable(): Float32Array | Uint16Array {
    if (this.#cells === undefined) throw new DisposedError({ object: `resource ${this.spec.name}` });
    return this.#cells;
  }
}
