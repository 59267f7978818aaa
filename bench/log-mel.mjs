/**
 * Whisper's log-mel features of 30 seconds of sound: Polywen and transformers' `WhisperFeatureExtractor` (torch) in turn, on one thread each.
 *
 *     node bench/log-mel.mjs --python PYTHON [--rounds 20] [--name log-mel]
 *
 * The first call of a process, in which Node still compiles, is reported by itself. The largest difference between the two is in the result.
 */
import { cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { logMelFeatures } from "@polywen/audio";
import { rounded, summary, writeResult } from "./measure.mjs";
import { PythonPeer } from "./peers/python-peer.mjs";

const { values } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "20" },
    name: { type: "string", default: "log-mel" },
  },
});
const rounds = Number(values.rounds);
const settings = { samplingRate: 16_000, fftSize: 400, hopLength: 160, chunkLength: 30 };
// A rising tone over pauses and noise: all bands have something to do.
const samples = Float32Array.from({ length: settings.samplingRate * settings.chunkLength }, (_, index) => {
  const noise = ((Math.imul(index, 1_664_525) >>> 16) / 65_536 - 0.5) * 0.02;
  return Math.floor(index / 16_000) % 5 === 4 ? noise : 0.4 * Math.sin(index * index * 4e-6) + noise;
});
const encoded = Buffer.from(samples.buffer).toString("base64");

/** @param {number} bands */
async function ours(bands) {
  const started = performance.now();
  const { inputFeatures } = await logMelFeatures(samples, { ...settings, featureSize: bands });
  return { ms: performance.now() - started, features: inputFeatures };
}

/** @param {number} bands */
async function compare(bands) {
  const first = await ours(bands);
  const { features } = await peer.ask({ samples: encoded, bands, features: true });
  const theirs = new Float32Array(new Uint8Array(Buffer.from(features, "base64")).buffer);
  const frames = theirs.length / bands;
  const difference = first.features.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (theirs[(index % bands) * frames + Math.floor(index / bands)] ?? Number.NaN))), 0);
  const times = /** @type {{ polywen: number[], transformers: number[] }} */ ({ polywen: [], transformers: [] });
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) times.polywen.push((await ours(bands)).ms);
    times.transformers.push((await peer.ask({ samples: encoded, bands })).seconds * 1000);
    if (round % 2 !== 0) times.polywen.push((await ours(bands)).ms);
  }
  return {
    bands,
    largestDifference: rounded(difference),
    firstCall: rounded(first.ms),
    milliseconds: { polywen: summary(times.polywen), transformers: summary(times.transformers) },
    timesAsFast: summary(times.polywen.map((ms, round) => (times.transformers[round] ?? Number.NaN) / ms)),
  };
}

const peer = new PythonPeer(values.python, "log_mel_peer.py", ["1"]);
const peerInfo = await peer.receive();
const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, loadNow: rounded(loadavg()[0] ?? 0), node: process.versions.node },
  transformers: peerInfo,
  settings: { ...settings, rounds },
  runs: [await compare(80), await compare(128)],
};
peer.close();
console.log(JSON.stringify(result, undefined, 2));
await writeResult(values.name, result);
