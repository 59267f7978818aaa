import type { RotaryOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** See `RotaryOperation`. */
export function* rotary(operation: RotaryOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const output = memory.floats(operation.output);
  const [rows, heads, width] = memory.shape(operation.input) as [number, number, number];
  const frequencies = memory.floats(operation.frequencies);
  const pairs = operation.axes.length;
  const cosines = new Float64Array(pairs);
  const sines = new Float64Array(pairs);
  output.set(input);
  for (let row = 0; row < rows; row++) {
    const firstFrequency = frequencySet(operation, memory, row) * pairs;
    turns(operation, memory, row, frequencies.subarray(firstFrequency, firstFrequency + pairs), cosines, sines);
    for (let head = 0; head < heads; head++) {
      const first = (row * heads + head) * width;
      for (let i = 0; i < pairs; i++) {
        const left = input[first + i]!;
        const right = input[first + pairs + i]!;
        output[first + i] = left * cosines[i]! - right * sines[i]!;
        output[first + pairs + i] = right * cosines[i]! + left * sines[i]!;
      }
    }
    yield;
  }
}

function frequencySet(operation: RotaryOperation, memory: ProgramMemory, row: number): number {
  if (operation.set === undefined) return 0;
  return memory.index("rotary", operation.set, row, memory.integers(operation.set)[row]!, memory.rows(operation.frequencies));
}

/** Scaled cosine and sine of every angle of a row; angles are f32 products. */
function turns(operation: RotaryOperation, memory: ProgramMemory, row: number, frequencies: Float32Array, cosines: Float64Array, sines: Float64Array): void {
  const positions = memory.integers(operation.positions);
  const axisCount = memory.width(operation.positions);
  operation.axes.forEach((axis, i) => {
    const angle = Math.fround(Math.fround(positions[row * axisCount + axis]!) * frequencies[i]!);
    cosines[i] = Math.cos(angle) * operation.scale;
    sines[i] = Math.sin(angle) * operation.scale;
  });
}
