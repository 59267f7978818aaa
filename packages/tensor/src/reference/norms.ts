import type { LayerNormOperation, RmsNormOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** See `RmsNormOperation`. */
export function* rmsNorm(operation: RmsNormOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const weight = memory.floats(operation.weight);
  const output = memory.floats(operation.output);
  const width = weight.length;
  for (let first = 0; first < input.length; first += width) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += input[first + i]! ** 2;
    const factor = 1 / Math.sqrt(squares / width + operation.epsilon);
    for (let i = 0; i < width; i++) output[first + i] = input[first + i]! * factor * weight[i]!;
    yield;
  }
}

/** See `LayerNormOperation`. */
export function* layerNorm(operation: LayerNormOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const weight = memory.floats(operation.weight);
  const width = weight.length;
  const bias = operation.bias === undefined ? new Float32Array(width) : memory.floats(operation.bias);
  const output = memory.floats(operation.output);
  for (let first = 0; first < input.length; first += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += input[first + i]!;
    const mean = sum / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (input[first + i]! - mean) ** 2;
    const factor = 1 / Math.sqrt(squares / width + operation.epsilon);
    for (let i = 0; i < width; i++) output[first + i] = (input[first + i]! - mean) * factor * weight[i]! + bias[i]!;
    yield;
  }
}
