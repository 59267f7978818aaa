import type { LinearOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import { WORK_PER_STEP, type Steps } from "./steps.ts";

/** Output columns that share one pass over an input row. */
const COLUMNS = 4;

/** See `LinearOperation`. */
export function* linear(operation: LinearOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const weight = memory.floats(operation.weight);
  const [columns, depth] = memory.shape(operation.weight) as [number, number];
  const bias = operation.bias === undefined ? new Float32Array(columns) : memory.floats(operation.bias);
  const output = memory.floats(operation.output);
  const rows = memory.rows(operation.input);
  const sums = new Float64Array(COLUMNS);
  let work = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += COLUMNS) {
      const count = Math.min(COLUMNS, columns - column);
      if (count === COLUMNS) fourDots(input, row * depth, weight, column * depth, depth, sums);
      else for (let i = 0; i < count; i++) sums[i] = dot(input, row * depth, weight, (column + i) * depth, depth);
      for (let i = 0; i < count; i++) output[row * columns + column + i] = sums[i]! + bias[column + i]!;
      work += COLUMNS * depth;
      if (work < WORK_PER_STEP) continue;
      work = 0;
      yield;
    }
  }
  yield;
}

/** Dot products of one row with four consecutive rows of `right`. */
function fourDots(left: Float32Array, leftFirst: number, right: Float32Array, rightFirst: number, length: number, sums: Float64Array): void {
  const second = rightFirst + length;
  const third = second + length;
  const fourth = third + length;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let i = 0; i < length; i++) {
    const value = left[leftFirst + i]!;
    sum0 += value * right[rightFirst + i]!;
    sum1 += value * right[second + i]!;
    sum2 += value * right[third + i]!;
    sum3 += value * right[fourth + i]!;
  }
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

/** The dot product of `length` elements in float64. */
export function dot(left: Float32Array, leftFirst: number, right: Float32Array, rightFirst: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += left[leftFirst + i]! * right[rightFirst + i]!;
  return sum;
}
