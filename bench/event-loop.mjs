/**
 * How free the event loop stays while a model works, and how soon an abort takes effect.
 *
 *     node bench/event-loop.mjs FOLDER [--backend cpu] [--threads 2] [--prompt 1024] [--generate 64] [--rounds 5] [--name event-loop]
 */
import { availableParallelism } from "node:os";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loadModel } from "polywen";
import { describe, pause, promptOf, rounded, summary, writeResult } from "./measure.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: "string", default: "cpu" },
    threads: { type: "string", default: String(availableParallelism()) },
    prompt: { type: "string", default: "1024" },
    generate: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    name: { type: "string", default: "event-loop" },
  },
});
const source = positionals[0];
if (source === undefined) throw new TypeError("Give a model folder. See bench/README.md.");
const [threads = 1, prompt = 1, generate = 1, rounds = 1] = [values.threads, values.prompt, values.generate, values.rounds].map(Number);
const rowsPerStep = 256;

const backend = /** @type {"cpu"} */ (values.backend);
const model = await loadModel(source, { backend, threads, rowsPerStep, cacheTokens: prompt + generate + 64 });
const options = { raw: true, temperature: 0, repetitionPenalty: 1 };

/**
 * Delays of a timer of one millisecond while `work` runs, in milliseconds.
 * @param {() => PromiseLike<unknown>} work
 */
async function delays(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  let fired = 0;
  const timer = setInterval(() => void fired++, 5);
  const started = performance.now();
  histogram.enable();
  await work();
  histogram.disable();
  clearInterval(timer);
  const ms = performance.now() - started;
  const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((nanoseconds) => rounded(nanoseconds / 1e6));
  return { p50, p99, max, timersFired: rounded(fired / (ms / 5)), ms: rounded(ms) };
}

/**
 * @param {number} seed
 * @param {number} maxTokens
 * @param {AbortSignal} [signal]
 */
function start(seed, maxTokens, signal) {
  return model.generate(promptOf(model, prompt, seed), { ...options, maxTokens, ...(signal === undefined ? {} : { signal }) });
}

/**
 * Milliseconds from `abort()` until the reply has settled, how it ended, and how many pieces of text still came.
 * @param {number} seed
 * @param {number} maxTokens
 * @param {(firstPiece: Promise<void>) => Promise<unknown>} moment When to abort
 */
async function abortAt(seed, maxTokens, moment) {
  const controller = new AbortController();
  const generation = start(seed, maxTokens, controller.signal);
  let pieces = 0;
  /** @type {() => void} */
  let arrived = () => undefined;
  const firstPiece = new Promise((/** @type {(value: void) => void} */ resolve) => void (arrived = resolve));
  const reading = (async () => {
    for await (const _ of generation) {
      pieces++;
      arrived();
    }
  })();
  await moment(firstPiece);
  const before = pieces;
  const aborted = performance.now();
  controller.abort();
  const { finishReason } = await generation;
  const ms = performance.now() - aborted;
  await reading;
  return { ms, finishReason, late: pieces - before };
}

/** @param {number} seed */
function abortInPrefill(seed) {
  return abortAt(seed, 1, () => sleep(prefillStepMs * (0.3 + (seed % 10) / 10)));
}

/** @param {number} seed */
function abortInDecode(seed) {
  return abortAt(seed, generate, async (firstPiece) => {
    await firstPiece;
    await sleep(decodeStepMs * (1 + (seed % 10) / 10));
  });
}

// Once without measuring: code is compiled and memory touched; the times of a step are needed below.
await start(0, 2);
const probe = await start(1, generate);
const prefillStepMs = (probe.timings.firstTokenMs - probe.timings.preparedMs) / Math.ceil(prompt / rowsPerStep);
const decodeStepMs = (probe.timings.totalMs - probe.timings.firstTokenMs) / Math.max(1, probe.usage.generatedTokens - 1);

const idle = await delays(() => sleep(1000));
await pause();
const prefill = await delays(() => start(2, 1));
await pause();
const running = start(3, generate);
await running[Symbol.asyncIterator]().next();
const decode = await delays(() => running);

/** @type {{ prefill: number[], decode: number[] }} */
const aborts = { prefill: [], decode: [] };
const finished = new Set();
let late = 0;
for (let seed = 4; seed < 4 + rounds; seed++) {
  for (const [phase, abort] of /** @type {const} */ ([["prefill", abortInPrefill], ["decode", abortInDecode]])) {
    await pause();
    const { ms, finishReason, late: pieces } = await abort(seed);
    late = Math.max(late, pieces);
    aborts[phase].push(ms);
    finished.add(finishReason);
  }
}

/**
 * @param {readonly number[]} ms
 * @param {number} stepMs
 */
const latency = (ms, stepMs) => ({ ms: summary(ms), stepMs: rounded(stepMs), steps: summary(ms.map((value) => value / stepMs)) });
const result = {
  ...describe(model),
  settings: { promptTokens: prompt, generatedTokens: generate, rowsPerStep, rounds },
  unit: "milliseconds; the timer behind the delays has a resolution of 1 ms",
  delay: { idle, prefill, decode },
  abort: { finishReasons: [...finished], piecesAfterAbort: late, prefill: latency(aborts.prefill, prefillStepMs), decode: latency(aborts.decode, decodeStepMs) },
};
await model.dispose();

for (const [phase, { p50, p99, max, timersFired, ms }] of Object.entries(result.delay)) {
  console.log(`${phase.padEnd(8)} event loop delay p50 ${p50}  p99 ${p99}  max ${max} ms over ${ms} ms; ${Math.round(100 * timersFired)} % of a 5 ms timer's ticks fired`);
}
for (const phase of /** @type {const} */ (["prefill", "decode"])) {
  const { ms, steps, stepMs } = result.abort[phase];
  console.log(`abort in ${phase}: settled after ${ms.median} ms (${ms.least}–${ms.greatest}), that is ${steps.median} steps (at most ${steps.greatest}) of ${stepMs} ms`);
}
console.log(`pieces of text after an abort: at most ${late}; ended as: ${result.abort.finishReasons.join(", ")}`);
console.log(`${result.machine.cpu}, ${result.polywen.backend} backend, ${result.polywen.tier}, ${result.polywen.threads} threads`);
await writeResult(values.name, result);
