import type { ActivationFunction, ActivationOperation, AddOperation, MultiplyOperation, ScaleOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** Elements between two yields. */
const CHUNK = 8192;

const functions: Readonly<Record<ActivationFunction, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  "gelu-tanh": (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  "quick-gelu": (x) => x / (1 + Math.exp(-1.702 * x)),
};

/** See `ActivationOperation`. */
export function* activation(operation: ActivationOperation, memory: ProgramMemory): Steps {
  const apply = functions[operation.function];
  const input = memory.floats(operation.input);
  const output = memory.floats(operation.output);
  for (let i = 0; i < input.length; i++) {
    output[i] = apply(input[i]!);
    if (i % CHUNK === CHUNK - 1) yield;
  }
}

/** See `AddOperation` and `MultiplyOperation`. */
export function* combine(operation: AddOperation | MultiplyOperation, memory: ProgramMemory): Steps {
  const left = memory.floats(operation.left);
  const right = memory.floats(operation.right);
  const output = memory.floats(operation.output);
  for (let i = 0; i < left.length; i++) {
    output[i] = operation.kind === "add" ? left[i]! + right[i]! : left[i]! * right[i]!;
    if (i % CHUNK === CHUNK - 1) yield;
  }
}

/** See `ScaleOperation`. */
export function* scale(operation: ScaleOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const weight = memory.floats(operation.weight);
  const output = memory.floats(operation.output);
  for (let first = 0; first < input.length; first += weight.length) {
    for (let i = 0; i < weight.length; i++) output[first + i] = input[first + i]! * weight[i]!;
    yield;
  }
}

/**
 * The error function by its all-positive series, `2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!` (Abramowitz and Stegun
 * 7.1.6): exact to float64 rounding. Beyond 6 it is ±1 in float64.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * Number.EPSILON / 8; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
