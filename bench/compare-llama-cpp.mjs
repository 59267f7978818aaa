/**
 * Polywen against node-llama-cpp on the same GGUF file, threads and prompt tokens, in one interleaved run.
 *
 *     node bench/compare-llama-cpp.mjs FILE.gguf --packages FOLDER [--polywen MODEL] [--threads 2] [--rounds 5]
 *         [--prompt 512] [--generate 64] [--depth 4096] [--phases prefill,decode,…] [--name compare-llama-cpp]
 *
 * FOLDER is where `npm install node-llama-cpp@3.22.1` was run. MODEL is what Polywen runs, if not the same file.
 */
import { spawn } from "node:child_process";
import { availableParallelism, cpus, loadavg } from "node:os";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { pause, quantile, rounded, summary, wordsOf, writeResult } from "./measure.mjs";
import { Peer } from "./peers/peer.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packages: { type: "string" },
    polywen: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "5" },
    prompt: { type: "string", default: "512" },
    generate: { type: "string", default: "64" },
    depth: { type: "string", default: "4096" },
    phases: { type: "string" },
    name: { type: "string", default: "compare-llama-cpp" },
  },
});
const [file] = positionals;
const { packages } = values;
if (file === undefined || packages === undefined) throw new TypeError("Give a GGUF file and --packages. See bench/README.md.");
const [threads = 1, rounds = 1, prompt = 1, generate = 1, depth = 1] = [values.threads, values.rounds, values.prompt, values.generate, values.depth].map(Number);

/**
 * A phase: its prompts, how many tokens follow, and which of the two times of a run is looked at.
 * @typedef {object} Phase
 * @property {number} sequences
 * @property {number} context Tokens of each prompt.
 * @property {number} generate
 * @property {"prefill" | "decode"} times
 * @property {boolean} [busy] Another process keeps one core busy.
 */

/** @type {Record<string, Phase>} */
const allPhases = {
  prefill: { sequences: 1, context: prompt, generate: 0, times: "prefill" },
  decode: { sequences: 1, context: 16, generate, times: "decode" },
  decodeAtDepth: { sequences: 1, context: depth, generate: Math.ceil(generate / 2), times: "decode" },
  parallel4: { sequences: 4, context: 16, generate: Math.ceil(generate / 2), times: "decode" },
  parallel8: { sequences: 8, context: 16, generate: Math.ceil(generate / 2), times: "decode" },
  busyNeighbour: { sequences: 1, context: 16, generate: Math.ceil(generate / 2), times: "decode", busy: true },
};
const wanted = (values.phases ?? [...Object.keys(allPhases), "logprobs", "load"].join(",")).split(",");

/** The settings of node-llama-cpp that are tried for each phase; the fastest is compared with. */
const candidates = [...new Set([threads, Math.max(1, threads - 1)])].flatMap((count) => [true, false].map((flashAttention) => ({ threads: count, flashAttention })));

/**
 * @param {Pick<Phase, "sequences" | "context" | "generate">} phase
 * @param {{ threads: number, flashAttention: boolean }} settings
 */
function startLlama({ sequences, context, generate: tokens }, settings) {
  return new Peer("llama-cpp", { model: file ?? "", packages: packages ?? "", sequences, contextTokens: context + tokens + 32, ...settings });
}

/** @param {Pick<Phase, "sequences" | "context" | "generate">} phase */
function startPolywen({ sequences, context, generate: tokens }) {
  return new Peer("polywen", { model: values.polywen ?? file ?? "", threads, sequences, contextTokens: context + tokens + 32 });
}

/** Ids of a long text, cut to the length that a prompt needs. Filled below. */
/** @type {number[]} */
let text = [];

/**
 * @param {Phase} phase
 * @param {number} round
 * @returns {import("./peers/peer.mjs").RunRequest}
 */
function requestOf({ sequences, context, generate: tokens }, round) {
  const start = (/** @type {number} */ sequence) => (97 * round + 31 * sequence) % (text.length - context);
  return { prompts: Array.from({ length: sequences }, (_, sequence) => text.slice(start(sequence), start(sequence) + context)), generate: tokens };
}

/**
 * Tokens per second.
 * @param {Peer} peer
 * @param {Phase} phase
 * @param {import("./peers/peer.mjs").RunRequest} request
 */
async function measure(peer, phase, request) {
  await pause();
  const { [phase.times]: timed, tokenIds } = await withNeighbour(phase.busy === true, () => peer.run(request));
  return { speed: (1000 * timed.tokens) / timed.ms, tokenIds };
}

/**
 * @template T
 * @param {boolean} busy
 * @param {() => Promise<T>} work
 */
async function withNeighbour(busy, work) {
  if (!busy) return work();
  const neighbour = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  await pause();
  try {
    return await work();
  } finally {
    neighbour.kill("SIGKILL");
  }
}

/**
 * Settings of node-llama-cpp for a phase and what each reached after a warm-up, the fastest first.
 * @param {Phase} phase
 */
async function trySettings(phase) {
  const tried = [];
  for (const settings of candidates) {
    const peer = startLlama(phase, settings);
    await peer.ready;
    await peer.run({ ...requestOf({ ...phase, context: 16 }, 0), generate: 1 });
    tried.push({ ...settings, speed: rounded((await measure(peer, phase, requestOf(phase, 0))).speed) });
    await peer.close();
  }
  return tried.sort((a, b) => b.speed - a.speed);
}

/** Leading tokens that both chose alike, over all sequences. @param {number[][]} ours @param {number[][]} theirs */
function equalTokens(ours, theirs) {
  return ours.reduce((sum, ids, index) => {
    const at = ids.findIndex((id, place) => id !== theirs[index]?.[place]);
    return sum + (at === -1 ? ids.length : at);
  }, 0);
}

/** @param {readonly number[]} ours @param {readonly number[]} theirs */
function compared(ours, theirs) {
  return { polywen: summary(ours), llamaCpp: summary(theirs), ratio: summary(ours.map((value, index) => value / (theirs[index] ?? Number.NaN))) };
}

/** @type {Record<string, number[]>} */
const machine = { readBandwidth: [], int8Operations: [], floatOperations: [] };

/** @param {Peer} polywen */
async function measureMachine(polywen) {
  for (const [name, value] of Object.entries(await polywen.ask("speed"))) machine[name]?.push(value);
}

/** @param {Phase} phase */
async function comparePhase(phase) {
  const tried = await trySettings(phase);
  const [settings] = tried;
  if (settings === undefined) throw new RangeError("No settings were tried.");
  const [polywen, llama] = [startPolywen(phase), startLlama(phase, settings)];
  await Promise.all([polywen.ready, llama.ready]);
  const { info } = await polywen.ready;
  for (const peer of [polywen, llama]) await peer.run({ ...requestOf({ ...phase, context: 16 }, 0), generate: 1 });
  /** @type {{ ours: number[], theirs: number[], equal: number[] }} */
  const runs = { ours: [], theirs: [], equal: [] };
  for (let round = 1; round <= rounds; round++) {
    const request = requestOf(phase, round);
    const ours = await measure(polywen, phase, request);
    const theirs = await measure(llama, phase, request);
    runs.ours.push(ours.speed);
    runs.theirs.push(theirs.speed);
    runs.equal.push(equalTokens(ours.tokenIds, theirs.tokenIds));
    await measureMachine(polywen);
  }
  await Promise.all([polywen.close(), llama.close()]);
  const bandwidth = quantile(machine["readBandwidth"] ?? [], 0.5);
  const share = phase.times === "decode" && phase.sequences === 1 ? { decodeShareOfBandwidth: rounded((quantile(runs.ours, 0.5) * info.weightBytes) / bandwidth) } : {};
  return { unit: "tokens/s", ...compared(runs.ours, runs.theirs), ...share, llamaCppSettings: tried, equalTokens: runs.equal, ofTokens: phase.sequences * (phase.generate + 1) };
}

/** Milliseconds a token that reporting alternatives adds. @param {Peer} peer @param {number} tokens */
async function logprobsCost(peer, tokens) {
  const phase = { sequences: 1, context: 16, generate: tokens, times: /** @type {const} */ ("decode") };
  /** @type {{ without: number[], with: number[] }} */
  const ms = { without: [], with: [] };
  for (let round = 0; round < rounds; round++) {
    ms.without.push(1000 / (await measure(peer, phase, requestOf(phase, round))).speed);
    ms.with.push(1000 / (await measure(peer, phase, { ...requestOf(phase, round), logprobs: true })).speed);
  }
  const [without, with_] = [quantile(ms.without, 0.5), quantile(ms.with, 0.5)];
  return { msPerTokenWithout: rounded(without), msPerTokenWith: rounded(with_), cost: rounded(with_ / without - 1) };
}

async function compareLogprobs() {
  const phase = { sequences: 1, context: 16, generate };
  const result = /** @type {Record<string, object>} */ ({});
  for (const [name, peer, tokens] of /** @type {const} */ ([["polywen", startPolywen(phase), generate], ["llamaCpp", startLlama(phase, { threads, flashAttention: true }), 2]])) {
    await peer.ready;
    await peer.run(requestOf({ ...phase, generate: 1, times: "decode" }, 0));
    result[name] = await logprobsCost(peer, tokens);
    await peer.close();
  }
  return result;
}

/** Time to load a warm file, and the peak of the process after a prompt of 512 tokens with some to follow. */
async function compareLoad() {
  const phase = { sequences: 1, context: prompt, generate: 8, times: /** @type {const} */ ("decode") };
  /** @type {Record<"polywen" | "llamaCpp", { loadMs: number[], peakRss: number[] }>} */
  const runs = { polywen: { loadMs: [], peakRss: [] }, llamaCpp: { loadMs: [], peakRss: [] } };
  for (let round = 0; round <= rounds; round++) {
    for (const [name, start] of /** @type {const} */ ([["polywen", () => startPolywen(phase)], ["llamaCpp", () => startLlama(phase, { threads, flashAttention: true })]])) {
      await pause();
      const peer = start();
      const { loadMs } = await peer.ready;
      await peer.run(requestOf(phase, round));
      const peakRss = await peer.ask("peakRss");
      await peer.close();
      // The first round reads the file.
      if (round === 0) continue;
      runs[name].loadMs.push(loadMs);
      runs[name].peakRss.push(peakRss);
    }
  }
  return {
    load: { unit: "ms", ...compared(runs.polywen.loadMs, runs.llamaCpp.loadMs) },
    peakRss: { unit: "bytes", ...compared(runs.polywen.peakRss, runs.llamaCpp.peakRss) },
  };
}

const loadBefore = loadavg()[0] ?? 0;
const longest = Math.max(...Object.values(allPhases).map(({ context }) => context));
const probe = startLlama({ sequences: 1, context: 16, generate: 1 }, { threads, flashAttention: true });
const { info: llamaInfo } = await probe.ready;
text = (await probe.ask("tokenize", wordsOf(longest + 1000))).slice(0, longest + 1000);
await probe.close();
const polywenProbe = startPolywen({ sequences: 1, context: 16, generate: 1 });
const { info: polywenInfo } = await polywenProbe.ready;
await measureMachine(polywenProbe);
await polywenProbe.close();

/** @type {Record<string, any>} */
const phases = {};
for (const [name, phase] of Object.entries(allPhases)) {
  if (!wanted.includes(name)) continue;
  phases[name] = await comparePhase(phase);
  print(name, phases[name]);
}
if (wanted.includes("load")) {
  Object.assign(phases, await compareLoad());
  for (const name of ["load", "peakRss"]) print(name, phases[name]);
}
const logprobs = wanted.includes("logprobs") ? await compareLogprobs() : undefined;
if (logprobs !== undefined) console.log(`logprobs         ${JSON.stringify(logprobs)}`);

/** @param {string} name @param {ReturnType<typeof compared> & { unit: string }} result */
function print(name, { polywen, llamaCpp, ratio, unit }) {
  const shown = (/** @type {{ median: number, least: number, greatest: number }} */ { median, least, greatest }) => `${median} (${least} to ${greatest})`;
  console.log(`${name.padEnd(16)} Polywen ${shown(polywen)}  llama.cpp ${shown(llamaCpp)} ${unit}  ratio ${shown(ratio)}`);
}

const speeds = Object.fromEntries(Object.entries(machine).map(([name, measured]) => [name, summary(measured)]));
const { readBandwidth, int8Operations } = speeds;
console.log(
  `${cpus()[0]?.model.trim()}, ${polywenInfo.tier}, ${threads} threads, load ${loadBefore.toFixed(1)} before; ` +
    `memory read ${((readBandwidth?.median ?? 0) / 1e9).toFixed(1)} GB/s, 8-bit arithmetic at most ${((int8Operations?.greatest ?? 0) / 1e9).toFixed(0)} Gop/s`,
);
await writeResult(values.name, {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, loadBefore: rounded(loadBefore), node: process.versions.node, ...speeds },
  model: { name: basename(file), ...(values.polywen === undefined ? {} : { polywen: basename(values.polywen) }), weightBytes: polywenInfo.weightBytes },
  polywen: { backend: "cpu", tier: polywenInfo.tier, threads },
  llamaCpp: { package: `node-llama-cpp ${llamaInfo.version}`, release: llamaInfo.release, systemInfo: llamaInfo.systemInfo },
  settings: { rounds, promptTokens: prompt, generatedTokens: generate, depth },
  phases,
  ...(logprobs === undefined ? {} : { logprobs }),
});
