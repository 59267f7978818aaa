import type { ExpertsOperation, RouteOperation } from "../operations.ts";
import { dot } from "./linear.ts";
import type { ProgramMemory } from "./program-memory.ts";
import { WORK_PER_STEP, type Steps } from "./steps.ts";

/** See `RouteOperation`. */
export function* route(operation: RouteOperation, memory: ProgramMemory): Steps {
  const logits = memory.floats(operation.logits);
  const [rows, experts] = memory.shape(operation.logits) as [number, number];
  const { count } = operation;
  const chosen = memory.integers(operation.experts);
  const weights = memory.floats(operation.weights);
  for (let row = 0; row < rows; row++) {
    const scores = scoresOf(logits.subarray(row * experts, (row + 1) * experts), operation.scoring);
    const best = bestOf(scores, count);
    const sum = operation.normalise ? best.reduce((total, expert) => total + scores[expert]!, 0) : 1;
    best.forEach((expert, rank) => {
      chosen[row * count + rank] = expert;
      weights[row * count + rank] = scores[expert]! / sum;
    });
    yield;
  }
}

/** Rounded to f32, so that equal scores are equal to everybody. */
function scoresOf(logits: Float32Array, scoring: RouteOperation["scoring"]): Float32Array {
  if (scoring === "sigmoid") return logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const largest = logits.reduce((max, logit) => (logit > max ? logit : max), -Infinity);
  const exponentials = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return Float32Array.from(exponentials, (value) => value / sum);
}

/** Whatever the scores are, NaN among them, the result is `count` different experts. */
function bestOf(scores: Float32Array, count: number): readonly number[] {
  const best: number[] = [];
  while (best.length < count) {
    let found = -1;
    scores.forEach((score, expert) => {
      if (!best.includes(expert) && (found === -1 || score > scores[found]!)) found = expert;
    });
    best.push(found);
  }
  return best;
}

/** See `ExpertsOperation`. */
export function* experts(operation: ExpertsOperation, memory: ProgramMemory): Steps {
  const input = memory.floats(operation.input);
  const chosen = memory.integers(operation.experts);
  const weights = memory.floats(operation.weights);
  const [rows, count] = memory.shape(operation.experts) as [number, number];
  const [limit, width, depth] = memory.shape(operation.gate) as [number, number, number];
  const [gate, up, down] = [memory.floats(operation.gate), memory.floats(operation.up), memory.floats(operation.down)];
  const output = memory.floats(operation.output);
  const product = new Float32Array(width);
  const sums = new Float64Array(depth);
  let work = 0;
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let slot = row * count; slot < (row + 1) * count; slot++) {
      const first = memory.index("experts", operation.experts, row, chosen[slot]!, limit) * width * depth;
      for (let i = 0; i < width + depth; i++) {
        if (i < width) {
          const gated = dot(input, row * depth, gate, first + i * depth, depth);
          product[i] = (gated / (1 + Math.exp(-gated))) * dot(input, row * depth, up, first + i * depth, depth);
        } else sums[i - width]! += weights[slot]! * dot(product, 0, down, first + (i - width) * width, width);
        work += width + depth;
        if (work < WORK_PER_STEP) continue;
        work = 0;
        yield;
      }
    }
    output.set(sums, row * depth);
  }
  yield;
}
