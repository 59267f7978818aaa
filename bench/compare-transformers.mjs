/**
 * Polywen against Hugging Face transformers on the same folder, prompts and threads, in one interleaved run.
 *
 *     node bench/compare-transformers.mjs FOLDER [--python python3] [--backend cpu] [--threads 2] [--prompt 256]
 *         [--generate 64] [--rounds 5] [--dtype float32] [--name compare-transformers]
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { loadModel } from "polywen";
import { describe, pause, promptOf, quantile, rounded, summary, writeResult } from "./measure.mjs";
import { PythonPeer } from "./peers/python-peer.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    backend: { type: "string", default: "cpu" },
    threads: { type: "string", default: String(availableParallelism()) },
    prompt: { type: "string", default: "256" },
    generate: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    dtype: { type: "string", default: "float32" },
    name: { type: "string", default: "compare-transformers" },
  },
});
const source = positionals[0];
if (source === undefined) throw new TypeError("Give a model folder. See bench/README.md.");
const [threads = 1, prompt = 1, generate = 1, rounds = 1] = [values.threads, values.prompt, values.generate, values.rounds].map(Number);

/** @typedef {{ prefill: number, decode: number, tokens: number[] }} Run Seconds, and the tokens taken. */

/**
 * @param {import("polywen").Model} model
 * @param {string} text
 * @returns {Promise<Run>}
 */
async function runPolywen(model, text) {
  const { tokenIds, timings } = await model.generate(text, { raw: true, temperature: 0, repetitionPenalty: 1, maxTokens: generate + 1 });
  if (tokenIds.length !== generate + 1) throw new RangeError(`The reply ended after ${tokenIds.length} tokens: measure with a smaller --generate.`);
  return { prefill: (timings.firstTokenMs - timings.preparedMs) / 1000, decode: (timings.totalMs - timings.firstTokenMs) / 1000, tokens: [...tokenIds] };
}

/** @param {readonly Run[]} runs */
function speeds(runs) {
  return { prefill: runs.map((run) => prompt / run.prefill), decode: runs.map((run) => generate / run.decode) };
}

/**
 * Tokens up to the first that differs; small differences of rounding may decide a close call otherwise.
 * @param {readonly number[]} ours
 * @param {readonly number[]} theirs
 */
function agreement(ours, theirs) {
  const at = ours.findIndex((token, index) => token !== theirs[index]);
  return at === -1 ? ours.length : at;
}

const model = await loadModel(source, { backend: /** @type {"cpu"} */ (values.backend), threads, cacheTokens: prompt + generate + 64 });
const peer = new PythonPeer(values.python, "transformers_peer.py", [model.info.path, values.threads, values.dtype]);
const peerInfo = await peer.receive();
await runPolywen(model, promptOf(model, prompt, 100));

/** @type {{ polywen: Run[], transformers: Run[] }} */
const runs = { polywen: [], transformers: [] };
const bandwidths = [];
for (let round = 0; round < rounds; round++) {
  const text = promptOf(model, prompt, round);
  await pause();
  const ours = await runPolywen(model, text);
  await pause();
  const theirs = /** @type {Run} */ (await peer.ask({ ids: model.tokenize(text, { special: true }), generate }));
  bandwidths.push((await peer.ask({ bandwidth: true })).bytesPerSecond);
  runs.polywen.push(ours);
  runs.transformers.push(theirs);
  const [fast, slow] = [speeds([ours]), speeds([theirs])];
  console.log(
    `round ${round + 1}: prefill ${rounded(fast.prefill[0] ?? 0)} against ${rounded(slow.prefill[0] ?? 0)} tok/s, ` +
      `decode ${rounded(fast.decode[0] ?? 0)} against ${rounded(slow.decode[0] ?? 0)} tok/s, first ${agreement(ours.tokens, theirs.tokens)} of ${generate + 1} tokens equal`,
  );
}
peer.close();

const [ours, theirs] = [speeds(runs.polywen), speeds(runs.transformers)];
/** @param {"prefill" | "decode"} phase */
const compare = (phase) => ({
  polywen: summary(ours[phase]),
  transformers: summary(theirs[phase]),
  ratio: summary(ours[phase].map((speed, index) => speed / (theirs[phase][index] ?? Number.NaN))),
});
const readBandwidth = quantile(bandwidths, 0.5);
const decodeBytes = model.info.memory.weights * quantile(ours.decode, 0.5);
const result = {
  ...describe(model),
  transformers: peerInfo,
  settings: { promptTokens: prompt, generatedTokens: generate, rounds },
  unit: "tokens per second; ratio: Polywen / transformers, round by round",
  prefill: compare("prefill"),
  decode: compare("decode"),
  readBandwidth: { bytesPerSecond: rounded(readBandwidth), measuredBy: "torch.sum of 512 MiB with the same threads, in the same run" },
  decodeShareOfBandwidth: rounded(decodeBytes / readBandwidth),
  equalTokens: runs.polywen.map(({ tokens }, index) => agreement(tokens, runs.transformers[index]?.tokens ?? [])),
};
await model.dispose();

for (const phase of /** @type {const} */ (["prefill", "decode"])) {
  const { polywen, transformers, ratio } = result[phase];
  console.log(
    `${phase.padEnd(8)} Polywen ${polywen.median} (${polywen.least}–${polywen.greatest})  transformers ${transformers.median} ` +
      `(${transformers.least}–${transformers.greatest}) tok/s  ratio ${ratio.median} (${ratio.least}–${ratio.greatest})`,
  );
}
console.log(
  `${result.machine.cpu}, ${result.polywen.backend} backend, ${result.polywen.tier}, ${result.polywen.threads} threads; transformers ${peerInfo.dtype}, ${peerInfo.attention}; ` +
    `memory read ${(readBandwidth / 1e9).toFixed(1)} GB/s, decode uses ${Math.round(100 * result.decodeShareOfBandwidth)} % of it`,
);
await writeResult(values.name, result);
