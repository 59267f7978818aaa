import type { FeatureExtractorConfig } from "@polywen/formats";
import { InvalidArgumentError } from "@polywen/tensor";
import { melFilters, type MelFilters } from "./mel-filters.ts";
import { PowerSpectrum } from "./power-spectrum.ts";
import { TimeSlices } from "@polywen/cross-modal";

/** Features of a sound, as Whisper-type encoders read them. */
export interface LogMel {
  /** `[rows, mels]`; one row for each hop, 10 ms in published models. It is the transpose of what transformers gives. */
  readonly inputFeatures: Float32Array;
  readonly mels: number;
  /** Frames that begin inside the sound: `ceil(samples / hop)`. */
  readonly frames: number;
  /** Rows of `inputFeatures`: the frames, and with `padded` those of the padding after them. */
  readonly rows: number;
}

/** Options of `logMelFeatures`. */
export interface LogMelOptions {
  /** True to give the frames of the padding too, up to the end of the window. Default false. */
  readonly padded?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The sizes of the transform, as the published configuration names them. */
export type LogMelConfig = Pick<FeatureExtractorConfig, "samplingRate" | "featureSize" | "fftSize" | "hopLength" | "chunkLength">;

const smallestPower = 1e-10;

/**
 * Log-mel features, equal to those of transformers' `WhisperFeatureExtractor` within float32 rounding: the sound is padded with
 * silence to the window of `chunkLength` seconds and reflected at both ends; frames are centred, weighted by a periodic Hann window and
 * transformed; power goes through Slaney's mel filters; `log10` is clamped at 1e-10 and at 8 below its maximum over the whole
 * padded window, then `(x + 4) / 4`. Frames of pure padding are not computed: they are all alike and never raise that maximum.
 *
 * Runs in slices. Throws InvalidArgumentError if `samples` are none, or more than the window has, and AbortedError.
 */
export async function logMelFeatures(samples: Float32Array, config: LogMelConfig, options: LogMelOptions = {}): Promise<LogMel> {
  const { fftSize, hopLength, featureSize: mels } = config;
  const padded = config.chunkLength * config.samplingRate;
  if (samples.length === 0 || samples.length > padded) {
    throw new InvalidArgumentError({ argument: "samples", expected: `1 to ${padded} samples`, received: samples });
  }
  const slices = new TimeSlices("Computing log-mel features", options.signal);
  const spectrum = new PowerSpectrum(periodicHann(fftSize));
  const filters = melFilters(mels, fftSize, config.samplingRate);
  const allFrames = Math.floor(padded / hopLength);
  const frames = Math.min(Math.ceil(samples.length / hopLength), allFrames);
  // Frames that begin in the padding can still reach back into the sound and hold the maximum.
  const touched = Math.min(Math.floor((samples.length - 1 + fftSize / 2) / hopLength) + 1, allFrames);
  const rows = options.padded === true ? allFrames : frames;
  const inputFeatures = new Float32Array(mels * Math.max(rows, touched)).fill(Math.log10(smallestPower));
  const edge = new Float32Array(fftSize);
  const power = new Float64Array(fftSize / 2 + 1);
  for (let index = 0; index < touched; index++) {
    if (slices.over) await slices.next();
    const start = index * hopLength - fftSize / 2;
    if (start >= 0 && start + fftSize <= samples.length) spectrum.compute(samples, start, power);
    else spectrum.compute(cutEdge(samples, padded, start, edge), 0, power);
    logMelRow(power, filters, inputFeatures, index * mels);
  }
  compress(inputFeatures);
  return { inputFeatures: inputFeatures.subarray(0, rows * mels), mels, frames, rows };
}

function periodicHann(size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, index) => 0.5 * (1 - Math.cos((2 * Math.PI * index) / size)));
}

/** Fills `frame`, which begins at `start` and lies partly outside of the sound. The padded signal of `padded` samples is reflected at its ends. */
function cutEdge(samples: Float32Array, padded: number, start: number, frame: Float32Array): Float32Array {
  for (let index = 0; index < frame.length; index++) {
    const at = Math.abs(start + index);
    const reflected = at < padded ? at : 2 * (padded - 1) - at;
    frame[index] = samples[reflected] ?? 0;
  }
  return frame;
}

function logMelRow(power: Float64Array, { weights, bins, starts, ends }: MelFilters, features: Float32Array, at: number): void {
  for (let mel = 0; mel < starts.length; mel++) {
    let sum = 0;
    for (let bin = starts[mel]!, end = ends[mel]!; bin < end; bin++) sum += weights[mel * bins + bin]! * power[bin]!;
    features[at + mel] = Math.log10(Math.max(sum, smallestPower));
  }
}

/** Everything more than 80 dB below the loudest value is raised to there. */
function compress(features: Float32Array): void {
  let maximum = -Infinity;
  for (let index = 0; index < features.length; index++) maximum = Math.max(maximum, features[index]!);
  const floor = maximum - 8;
  for (let index = 0; index < features.length; index++) features[index] = (Math.max(features[index]!, floor) + 4) / 4;
}
