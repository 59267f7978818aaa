/**
 * Polywen against llama.cpp, token by token, teacher-forced on the tokens that llama.cpp finds most probable.
 *
 *     node test/conformance-llama-cpp/compare-tokens.mjs FILE.gguf --packages FOLDER [--polywen MODEL] [--prompts 20] [--tokens 64]
 *         [--threads 2] [--distributions FOLDER]
 *
 * --packages is a folder in which `npm install node-llama-cpp@3.22.1` was run; MODEL is what Polywen runs, if not the
 * same file. With --distributions the log-probabilities of both are kept there for kl-to-float32.py; llama.cpp takes
 * seconds to hand out those of a token, so what a folder already holds of it is not asked for again. Where llama.cpp's
 * two best are at least GAP apart, Polywen must have the same best one: exit status 1 otherwise.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { loadModel } from "polywen";

/** Natural logarithms; below it, float32 itself may choose otherwise. */
const GAP = 0.3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packages: { type: "string" },
    polywen: { type: "string" },
    prompts: { type: "string", default: "20" },
    tokens: { type: "string", default: "64" },
    threads: { type: "string", default: "2" },
    distributions: { type: "string" },
  },
});
const [file] = positionals;
const { packages, distributions } = values;
if (file === undefined || packages === undefined) throw new TypeError("Give a GGUF file and --packages.");
const [threads, tokens] = [Number(values.threads), Number(values.tokens)];
/** @type {string[]} */
const prompts = JSON.parse(await readFile(new URL("prompts.json", import.meta.url), "utf8")).slice(0, Number(values.prompts));
if (distributions !== undefined) await mkdir(distributions, { recursive: true });

/**
 * What llama.cpp continues a prompt by; `gaps` are the distances of its two best.
 * @typedef {{ ids: number[], tokens: number[], gaps: number[] }} Continuation
 */

/** @param {string} name @param {Float32Array} logProbabilities */
async function keep(name, logProbabilities) {
  if (distributions !== undefined) await writeFile(join(distributions, name), logProbabilities);
}

/** @returns {Promise<Continuation[]>} */
async function askLlama() {
  const { getLlama } = await import(pathToFileURL(resolve(packages ?? "", "node_modules/node-llama-cpp/dist/index.js")).href);
  const llama = await getLlama({ build: "never", gpu: false, maxThreads: 0, progressLogs: false, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize: 512, threads });
  const sequence = context.getSequence();
  const undisturbed = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const continuations = [];
  for (const [index, prompt] of prompts.entries()) {
    /** @type {number[]} */
    const ids = model.tokenize(prompt);
    /** @type {Continuation} */
    const found = { ids, tokens: [], gaps: [] };
    const rows = [];
    for (let next = ids; found.tokens.length < tokens; next = found.tokens.slice(-1)) {
      const input = next.map((id, place) => (place === next.length - 1 ? [id, { generateNext: { probabilities: true, options: undisturbed } }] : id));
      /** @type {Map<number, number>} */
      const probabilities = (await sequence.controlledEvaluate(input)).at(-1).next.probabilities;
      const [best, second] = [...probabilities.entries()].slice(0, 2);
      if (best === undefined || second === undefined) throw new RangeError("llama.cpp gave no probabilities.");
      found.tokens.push(best[0]);
      found.gaps.push(Math.log(best[1]) - Math.log(second[1]));
      if (distributions !== undefined) rows.push(logarithms(probabilities));
    }
    await keep(`llama-cpp-${index}.f32`, joined(rows));
    await sequence.clearHistory();
    continuations.push(found);
    console.error(`llama.cpp: ${index + 1} of ${prompts.length} prompts`);
  }
  await llama.dispose();
  return continuations;
}

/** @param {Map<number, number>} probabilities */
function logarithms(probabilities) {
  const row = new Float32Array(probabilities.size);
  for (const [id, probability] of probabilities) row[id] = Math.log(Math.max(probability, 1e-38));
  return row;
}

/** @param {readonly Float32Array[]} rows */
function joined(rows) {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, index) => all.set(row, index * width));
  return all;
}

/** @param {Float32Array} logits */
function logSoftmax(logits) {
  const greatest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const total = greatest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
  return logits.map((logit) => logit - total);
}

/** @returns {Promise<Continuation[]>} */
async function recallOrAskLlama() {
  if (distributions === undefined) return askLlama();
  const kept = join(distributions, "continuations.json");
  if (existsSync(kept)) return JSON.parse(await readFile(kept, "utf8"));
  const continuations = await askLlama();
  await writeFile(kept, JSON.stringify(continuations));
  return continuations;
}

const continuations = await recallOrAskLlama();
const model = await loadModel(values.polywen ?? file, { threads, cacheTokens: 512 });
const counts = { tokens: 0, equal: 0, close: 0, different: 0, promptsTokenisedAlike: 0 };
for (const [index, { ids, tokens: wanted, gaps }] of continuations.entries()) {
  const own = model.tokenize(prompts[index] ?? "");
  if (own.length === ids.length && own.every((id, place) => id === ids[place])) counts.promptsTokenisedAlike++;
  const { logits, vocabularySize } = await model.logits({ ids: [...ids, ...wanted.slice(0, -1)] });
  const rows = wanted.map((_, step) => logits.subarray((ids.length - 1 + step) * vocabularySize, (ids.length + step) * vocabularySize));
  await keep(`polywen-${index}.f32`, distributions === undefined ? new Float32Array() : joined(rows.map(logSoftmax)));
  rows.forEach((row, step) => {
    const best = row.indexOf(row.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY));
    counts.tokens++;
    if (best === wanted[step]) counts.equal++;
    else if ((gaps[step] ?? 0) < GAP) counts.close++;
    else {
      counts.different++;
      console.log(`prompt ${index}, token ${step}: Polywen ${JSON.stringify(model.detokenize([best]))}, llama.cpp ${JSON.stringify(model.detokenize([wanted[step] ?? 0]))}, ${gaps[step]?.toFixed(2)} apart`);
    }
  });
}
await model.dispose();
console.log(`${counts.equal} of ${counts.tokens} tokens equal, ${counts.close} others where llama.cpp's two best are closer than ${GAP}, ${counts.different} different; ${counts.promptsTokenisedAlike} of ${prompts.length} prompts tokenised alike`);
process.exitCode = counts.different === 0 && counts.promptsTokenisedAlike === prompts.length ? 0 : 1;
