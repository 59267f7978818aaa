/** What the benchmarks share: statistics, prompts of exact length, and the result file. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("polywen").Model} Model */

/** Processes that were running before this one began; above a fraction of the cores, no timing means anything. */
const loadBefore = loadavg()[0] ?? 0;
if (loadBefore > cpus().length / 4) console.warn(`This machine is busy (load ${loadBefore.toFixed(1)} on ${cpus().length} cores): the timings below are not to be quoted.`);

/**
 * @param {readonly number[]} values
 * @param {number} share 0 for the least, 0.5 for the median, 1 for the greatest
 */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * Median and range, rounded for people.
 * @param {readonly number[]} values
 */
export function summary(values) {
  return { median: rounded(quantile(values, 0.5)), least: rounded(quantile(values, 0)), greatest: rounded(quantile(values, 1)) };
}

/** @param {number} value */
export function rounded(value) {
  return Number(value.toPrecision(4));
}

const words = "time people water light house world school story money point river paper music table garden window morning evening number letter".split(" ");

/**
 * A text of exactly `count` tokens; other texts for other seeds.
 * @param {Model} model
 * @param {number} count
 * @param {number} seed
 */
export function promptOf(model, count, seed) {
  const tokens = (/** @type {string} */ text) => model.tokenize(text, { special: true }).length;
  const word = (/** @type {number} */ index) => ` ${words[(index * 7 + seed * 3 + (index % 5)) % words.length]}`;
  let text = "Once";
  for (let index = 0; tokens(text) < count; index++) {
    // A word may be several tokens; a full stop is one.
    text = tokens(text + word(index)) <= count ? text + word(index) : `${text}.`;
  }
  if (tokens(text) === count) return text;
  throw new RangeError(`No prompt of exactly ${count} tokens was found for this tokenizer.`);
}

/**
 * A text of so many words.
 * @param {number} count
 */
export function wordsOf(count) {
  return Array.from({ length: count }, (_, index) => words[(index * 7 + (index % 5) + Math.floor(index / 23)) % words.length]).join(" ");
}

/**
 * The machine and the model, without anything that names a host or a path.
 * @param {Model} model
 */
export function describe(model) {
  const { device, backend, modelType, path, memory } = model.info;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, loadBefore: rounded(loadBefore), node: process.versions.node },
    model: { name: basename(path), modelType, weightBytes: memory.weights },
    polywen: { backend, tier: device.tier, threads: device.threads },
  };
}

/**
 * Writes `results/NAME.json` beside the scripts.
 * @param {string} name
 * @param {object} result
 */
export async function writeResult(name, result) {
  const file = fileURLToPath(new URL(`results/${name}.json`, import.meta.url));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`written to bench/results/${name}.json`);
}

/** Lets caches, clocks and spinning threads settle between measurements. */
export function pause(ms = 250) {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
