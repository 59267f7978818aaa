import { InvalidArgumentError, NumericalError } from "../errors/errors.ts";
import { SAMPLE_PARAMETERS, TOP_LOGPROBS, type SampleOperation } from "../operations.ts";
import { philox, uniform } from "./philox.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** The parameters of one row: see `SAMPLE_PARAMETERS`. */
export type SampleParameters = Readonly<Record<(typeof SAMPLE_PARAMETERS)[number], number>>;

/** See `SampleOperation`. All arithmetic is float64. */
export function* sample(operation: SampleOperation, memory: ProgramMemory): Steps {
  const [rows, vocabulary] = memory.shape(operation.logits) as [number, number];
  const topTokens = memory.integers(operation.topTokens).fill(-1);
  const topLogprobs = memory.floats(operation.topLogprobs).fill(0);
  for (let row = 0; row < rows; row++) {
    const parameters = readParameters(operation, memory, row);
    const logits = Float64Array.from(memory.floats(operation.logits).subarray(row * vocabulary, (row + 1) * vocabulary));
    const normaliser = logSumExp(logits);
    if (!Number.isFinite(normaliser)) {
      throw new NumericalError({ operation: "sample", tensor: memory.name(operation.logits), row, problem: "holds NaN, infinity or nothing above -infinity" });
    }
    mostProbable(logits, parameters.topLogprobs).forEach((id, rank) => {
      topTokens[row * TOP_LOGPROBS + rank] = id;
      topLogprobs[row * TOP_LOGPROBS + rank] = logits[id]! - normaliser;
    });
    yield;
    const penalised = penalise(logits, historyOf(operation, memory, row, vocabulary), parameters.repetitionPenalty);
    const [key0, key1, counter0, counter1] = memory.words(operation.seeds).subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
    const token = chooseToken(penalised, parameters, uniform(philox([counter0, counter1, 0, 0], [key0, key1])));
    memory.integers(operation.token)[row] = token;
    memory.floats(operation.logprob)[row] = logits[token]! - normaliser;
    yield;
  }
}

/**
 * Chooses a token from penalised logits: temperature, top-k, top-p, min-p, then a draw that walks the kept tokens,
 * most probable first, until their cumulative probability exceeds `random` in [0, 1).
 */
export function chooseToken(logits: Float64Array, parameters: SampleParameters, random: number): number {
  const { temperature, topK, topP, minP } = parameters;
  if (temperature === 0) return mostProbable(logits, 1)[0]!;
  const sorted = mostProbable(logits, topK === 0 ? logits.length : topK);
  const largest = logits[sorted[0]!]!;
  const weights = Float64Array.from(sorted, (id) => Math.exp((logits[id]! - largest) / temperature));
  const kept = Math.min(countReaching(weights, topP), countAtLeast(weights, minP * weights[0]!));
  const goal = random * weights.subarray(0, kept).reduce((sum, weight) => sum + weight, 0);
  let cumulative = 0;
  return sorted.find((_, index) => (cumulative += weights[index]!) > goal)!;
}

/** The ids of the `count` largest values, largest first, the lower id first among equals. */
export function mostProbable(values: Float64Array, count: number): Uint32Array {
  if (count === 0) return new Uint32Array();
  const threshold = Float64Array.from(values).sort()[Math.max(0, values.length - count)]!;
  const candidates = Uint32Array.from(values.keys()).filter((id) => values[id]! >= threshold);
  return candidates.sort((left, right) => values[right]! - values[left]! || left - right).subarray(0, count);
}

/** Logits of ids in `history` move towards improbable: divided by the penalty if positive, else multiplied (Keskar et al., 2019). */
export function penalise(logits: Float64Array, history: ReadonlySet<number>, penalty: number): Float64Array {
  const penalised = Float64Array.from(logits);
  for (const id of history) penalised[id] = logits[id]! > 0 ? logits[id]! / penalty : logits[id]! * penalty;
  return penalised;
}

/** How many of the first weights reach the share `topP` of their sum: the smallest number, at least one. */
function countReaching(weights: Float64Array, topP: number): number {
  if (topP >= 1) return weights.length;
  const goal = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let cumulative = 0;
  return weights.findIndex((weight) => (cumulative += weight) >= goal) + 1 || weights.length;
}

/** How many of the descending weights are at least `smallest`. */
function countAtLeast(weights: Float64Array, smallest: number): number {
  const below = weights.findIndex((weight) => weight < smallest);
  return below === -1 ? weights.length : below;
}

function logSumExp(values: Float64Array): number {
  const largest = values.reduce((left, right) => Math.max(left, right), -Infinity);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

function historyOf(operation: SampleOperation, memory: ProgramMemory, row: number, vocabulary: number): ReadonlySet<number> {
  const history = memory.integers(operation.history);
  const [begin, end] = memory.span("sample", operation.historySpans, row, history.length);
  const ids = new Set<number>();
  for (let place = begin; place < end; place++) ids.add(memory.index("sample", operation.history, place, history[place]!, vocabulary));
  return ids;
}

const ranges: Readonly<Record<keyof SampleParameters, { expected: string; accepts(value: number): boolean }>> = {
  temperature: { expected: "a number from 0 on", accepts: (value) => value >= 0 && value < Infinity },
  topK: { expected: "an integer from 0 on", accepts: (value) => Number.isInteger(value) && value >= 0 },
  topP: { expected: "a number from 0 to 1", accepts: (value) => value >= 0 && value <= 1 },
  minP: { expected: "a number from 0 to 1", accepts: (value) => value >= 0 && value <= 1 },
  repetitionPenalty: { expected: "a number above 0", accepts: (value) => value > 0 && value < Infinity },
  topLogprobs: { expected: `an integer from 0 to ${TOP_LOGPROBS}`, accepts: (value) => Number.isInteger(value) && value >= 0 && value <= TOP_LOGPROBS },
};

function readParameters(operation: SampleOperation, memory: ProgramMemory, row: number): SampleParameters {
  const values = memory.floats(operation.parameters);
  const entries = SAMPLE_PARAMETERS.map((name, column) => {
    const value = values[row * SAMPLE_PARAMETERS.length + column]!;
    if (!ranges[name].accepts(value)) throw new InvalidArgumentError({ argument: `${name} in row ${row}`, expected: ranges[name].expected, received: value });
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as SampleParameters;
}
