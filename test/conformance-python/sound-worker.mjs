// Decodes sounds and computes their features with Polywen, for compare-sound.py.
//   node sound-worker.mjs OUT FILE…     writes OUT/N.mono, N.resampled and N.mel (float32) and prints one JSON line for each file
import { writeFileSync } from "node:fs";
import { decodeAudio, logMelFeatures, resample } from "@polywen/audio";

const [out, ...files] = process.argv.slice(2);
const config = { samplingRate: 16_000, featureSize: 128, fftSize: 400, hopLength: 160, chunkLength: 30 };
/** @param {() => Promise<any>} work */
const milliseconds = async (work) => {
  const start = performance.now();
  const result = await work();
  return [result, performance.now() - start];
};

for (const [index, file] of files.entries()) {
  try {
    const [mono, decodeMs] = await milliseconds(() => decodeAudio(file, { limits: { maxSeconds: 30 }, overlong: "cut" }));
    const [resampled, resampleMs] = await milliseconds(() => resample(mono, config.samplingRate));
    const [mel, melMs] = await milliseconds(() => logMelFeatures(resampled.samples, config));
    for (const [name, values] of Object.entries({ mono: mono.samples, resampled: resampled.samples, mel: mel.inputFeatures })) writeFileSync(`${out}/${index}.${name}`, values);
    console.log(JSON.stringify({ sampleRate: mono.sampleRate, frames: mel.frames, decodeMs, resampleMs, melMs }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
