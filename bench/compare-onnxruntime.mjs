/**
 * An encoder against onnxruntime-node on the same weights in float32 arithmetic: one medium at a time, the two in turn with a pause between them, in
 * which threads of the other stop waiting at full speed; preprocessing not counted.
 *
 *     node bench/compare-onnxruntime.mjs FOLDER FILE.onnx MEDIUM --packages FOLDER [--threads 2] [--rounds 20] [--name onnxruntime]
 *
 * FOLDER is what `loadEncoder` takes, FILE.onnx what `make-encoder-onnx.py` makes of it, MEDIUM a picture or a recording. `--packages` is a folder
 * with `npm install onnxruntime-node@1.23.2`. Outputs are compared as well; the largest difference is in the result.
 */
import { createRequire } from "node:module";
import { availableParallelism, cpus, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MediaEncoder, ModalityWeightSource } from "@polywen/cross-modal";
import { defineModality, identityConnector, openEncoder, selectBackend } from "polywen";
import { pause, rounded, summary, writeResult } from "./measure.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packages: { type: "string", default: "." },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "20" },
    name: { type: "string", default: "onnxruntime" },
  },
});
const [folder, file, medium] = positionals;
if (folder === undefined || file === undefined || medium === undefined) throw new TypeError("Give a folder, an ONNX file and a medium. See bench/README.md.");
const [threads, rounds] = [Number(values.threads), Number(values.rounds)];

/**
 * How what Polywen reads becomes the one input of the graph.
 * @type {Record<string, (prepared: import("@polywen/cross-modal").PreparedMedium) => { name: string, data: Float32Array, dims: number[] }>}
 */
const inputs = {
  pixelValues: ({ inputs: { pixelValues } }) => {
    const pixels = /** @type {Float32Array} */ (pixelValues);
    const [side, patch] = [16, 14];
    const data = new Float32Array(pixels.length);
    for (let index = 0; index < data.length; index++) {
      const [channel, y, x] = [Math.floor(index / 224 ** 2), Math.floor(index / 224) % 224, index % 224];
      const row = Math.floor(y / patch) * side + Math.floor(x / patch);
      data[index] = pixels[((row * 3 + channel) * patch + (y % patch)) * patch + (x % patch)] ?? Number.NaN;
    }
    return { name: "pixel_values", data, dims: [1, 3, 224, 224] };
  },
  inputFeatures: ({ sizes, inputs: { inputFeatures } }) => {
    const features = /** @type {Float32Array} */ (inputFeatures);
    const frames = sizes["frames"] ?? 1;
    const bands = features.length / frames;
    return { name: "input_features", data: features.map((_, index) => features[(index % frames) * bands + Math.floor(index / frames)] ?? Number.NaN), dims: [1, bands, frames] };
  },
};

const { backend } = await selectBackend("cpu", { threads });
const { definition } = defineModality({ name: "medium", encoder: await openEncoder(folder), connector: identityConnector() });
const encoder = await MediaEncoder.load(definition, await ModalityWeightSource.open(definition, new Map()), { backend, media: [] });
const prepared = await encoder.prepare(resolve(medium));
const kind = Object.keys(inputs).find((name) => prepared.inputs[name] !== undefined);
const feed = inputs[kind ?? ""]?.(prepared);
if (feed === undefined) throw new TypeError("This encoder has no graph to be compared with.");

const ort = createRequire(join(resolve(values.packages), "package.json"))("onnxruntime-node");
const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: "all", executionProviders: ["cpu"] });
const tensor = new ort.Tensor("float32", feed.data, feed.dims);

async function ours() {
  await pause(50);
  let rows = new Float32Array(0);
  const started = performance.now();
  await encoder.encode(prepared, [], { onRows: ([first]) => void (rows = first?.slice() ?? rows) });
  return { ms: performance.now() - started, rows };
}

async function theirs() {
  await pause(50);
  const started = performance.now();
  const output = await session.run({ [feed?.name ?? ""]: tensor });
  return { ms: performance.now() - started, rows: /** @type {Float32Array} */ (Object.values(output)[0].data) };
}

const [first, second] = [await ours(), await theirs()];
const difference = first.rows.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (second.rows[index] ?? Number.NaN))), first.rows.length === second.rows.length ? 0 : Number.NaN);
const times = /** @type {{ polywen: number[], onnxruntime: number[] }} */ ({ polywen: [], onnxruntime: [] });
for (let round = 0; round < rounds; round++) {
  if (round % 2 === 0) times.polywen.push((await ours()).ms);
  times.onnxruntime.push((await theirs()).ms);
  if (round % 2 !== 0) times.polywen.push((await ours()).ms);
}
const ratios = times.polywen.map((ms, round) => (times.onnxruntime[round] ?? Number.NaN) / ms);
const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: cpus().length, loadNow: rounded(loadavg()[0] ?? 0), node: process.versions.node },
  encoder: basename(resolve(folder)),
  rows: prepared.rows,
  threads,
  tier: backend.device.tier,
  peer: `onnxruntime-node ${createRequire(join(resolve(values.packages), "package.json"))("onnxruntime-node/package.json").version}`,
  largestDifference: rounded(difference),
  milliseconds: { polywen: summary(times.polywen), onnxruntime: summary(times.onnxruntime) },
  timesAsFast: summary(ratios),
};
console.log(JSON.stringify(result, undefined, 2));
await writeResult(values.name, result);
await encoder.dispose();
await backend.dispose();
