import { benchmarkTokens, type LoadModelOptions, type Model } from "polywen";

/** What `polywen bench` measures, in tokens and times. */
export interface BenchmarkSettings {
  /** Tokens of the prompt that is read. */
  readonly prompt: number;
  /** Tokens to decode for each sequence. */
  readonly generate: number;
  /** Tokens of context before decoding. */
  readonly depth: number;
  /** Sequences decoded together. */
  readonly parallel: number;
  /** Rounds. */
  readonly repeat: number;
}

/** Tokens per second: of reading a prompt, and of decoding over all sequences. */
export interface Speeds {
  readonly prefill: number;
  readonly decode: number;
}

/** Medians, and each round. */
export interface MeasuredSpeeds extends Speeds {
  readonly runs: readonly Speeds[];
}

/** The least that a model must be loaded with for these settings. */
export function roomFor({ prompt, generate, depth, parallel }: BenchmarkSettings): Pick<LoadModelOptions, "cacheTokens" | "maxSequences" | "rowsPerStep"> {
  const rowsPerStep = Math.max(256, 2 * parallel);
  const contexts = Array.from({ length: parallel }, () => Math.max(depth, 1));
  const cacheTokens = Math.max(benchmarkTokens([prompt], 0, rowsPerStep), benchmarkTokens(contexts, generate, rowsPerStep));
  return { cacheTokens, maxSequences: parallel, rowsPerStep };
}

/** Measures in rounds, so that what disturbs one of them spoils one of many; the first round is not counted. */
export async function runBenchmarks(model: Model, settings: BenchmarkSettings, signal: AbortSignal): Promise<MeasuredSpeeds> {
  await measure(model, { ...settings, prompt: Math.min(settings.prompt, 64), generate: Math.min(settings.generate, 4), depth: 0 }, 0, signal);
  const runs: Speeds[] = [];
  for (let round = 1; round <= settings.repeat; round++) runs.push(await measure(model, settings, round, signal));
  return { prefill: median(runs.map(({ prefill }) => prefill)), decode: median(runs.map(({ decode }) => decode)), runs };
}

async function measure(model: Model, { prompt, generate, depth, parallel }: BenchmarkSettings, round: number, signal: AbortSignal): Promise<Speeds> {
  const ids = (count: number, seed: number): number[] => arbitraryIds(count, seed + 1000 * round, model.info.vocabularySize);
  const { prefill } = await model.benchmark({ prompts: [ids(prompt, 0)], signal });
  // Without any context there is nothing to continue: decoding then starts from a single token.
  const contexts = Array.from({ length: parallel }, (_, sequence) => ids(Math.max(depth, 1), sequence + 1));
  const { decode } = await model.benchmark({ prompts: contexts, generate, signal });
  return { prefill: (1000 * prefill.tokens) / prefill.ms, decode: (1000 * decode.tokens) / decode.ms };
}

/** Ids all over the vocabulary: speed does not depend on what they mean. */
function arbitraryIds(count: number, seed: number, vocabularySize: number): number[] {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabularySize);
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
