import { InvalidArgumentError, InvalidFileError, LimitExceededError } from "@polywen/tensor";
import { readMediaSource, TimeSlices, type MediaSource, type NetworkAccess } from "@polywen/cross-modal";
import { requireWav } from "./sound-format.ts";
import { decodeWavFrames } from "./wav-samples.ts";
import { readWavLayout } from "./wav-layout.ts";

/** Samples as a caller may hand them in, channels interleaved. Floats lie in [-1, 1]; integers are divided by 32,768. */
export interface RawSamples {
  readonly samples: Float32Array | Int16Array;
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Default 1. */
  readonly channels?: number | undefined;
}

/** Sound as callers hand it in. */
export type AudioSource = MediaSource | RawSamples;

/** Sound with one channel. Samples are finite, usually in [-1, 1]. */
export interface MonoSound {
  readonly samples: Float32Array;
  /** Samples per second. */
  readonly sampleRate: number;
}

/** What a sound may cost. Checked before the memory is taken. */
export interface AudioLimits {
  /** Size of the encoded file in bytes; default 128 MiB. */
  readonly maxBytes: number;
  /** Duration in seconds; default 300, the window of Qwen2.5-Omni. */
  readonly maxSeconds: number;
  /** Default 32. */
  readonly maxChannels: number;
  /** Samples per second; default and most 192,000. */
  readonly maxSampleRate: number;
}

/** The limits that hold where a caller sets none. */
export const defaultAudioLimits: AudioLimits = {
  maxBytes: 128 * 2 ** 20,
  maxSeconds: 300,
  maxChannels: 32,
  maxSampleRate: 192_000,
};

/** Limits to change, what to do with too long a sound, and what stops the work. */
export interface AudioOptions {
  readonly limits?: Partial<AudioLimits> | undefined;
  /** Sound over the duration limit is an error (the default), or its end is cut off. */
  readonly overlong?: "error" | "cut" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What may be fetched. Default: nothing. */
  readonly network?: NetworkAccess | undefined;
}

/** Slower sound is no sound; it also bounds how much resampling makes of a file. */
const minSampleRate = 1000;

/** What is known of a sound before its samples are read. */
interface SoundShape {
  readonly channels: number;
  readonly sampleRate: number;
  readonly frames: number;
  /** In a file: where the samples begin, in bytes, and the bits of each. */
  readonly dataOffset?: number;
  readonly bits?: number;
}

/** Adds the frames from `from` to `to` of a sound to `out`, all channels summed in float32. */
type FrameReader = (from: number, to: number, out: Float32Array) => void;

/**
 * Reads a WAV file (integers of 8, 16, 24 and 32 bits, floats of 32 and 64 bits, A-law, µ-law) or raw samples and averages the channels,
 * with the values that soundfile and NumPy's float32 mean give. Runs in slices.
 *
 * Throws what `readMediaSource` throws; UnsupportedError for other formats; LimitExceededError; InvalidFileError for damaged and
 * truncated files, sound without samples and samples that are not finite; InvalidArgumentError for raw samples that do not fit.
 */
export async function decodeAudio(source: AudioSource, options: AudioOptions = {}): Promise<MonoSound> {
  const limits: AudioLimits = { ...defaultAudioLimits, ...options.limits };
  const slices = new TimeSlices("Decoding a sound", options.signal);
  if (isRawSamples(source)) {
    const shape = shapeOfRaw(source);
    return mixFrames(shape, rawReader(source, shape.channels), "the raw samples", limits, options.overlong, slices);
  }
  const medium = await readMediaSource(source, { what: "audio", maxBytes: limits.maxBytes, signal: options.signal, network: options.network });
  requireWav(medium);
  const layout = readWavLayout(medium);
  return mixFrames(layout, (from, to, out) => decodeWavFrames(medium.bytes, layout, from, to, out), medium.name, limits, options.overlong, slices);
}

async function mixFrames(
  shape: SoundShape,
  read: FrameReader,
  file: string,
  limits: AudioLimits,
  overlong: AudioOptions["overlong"],
  slices: TimeSlices,
): Promise<MonoSound> {
  requireShape(shape, file, limits);
  const frames = boundedFrames(shape, file, limits.maxSeconds, overlong);
  const samples = new Float32Array(frames);
  const step = Math.max(1, Math.floor(32_768 / shape.channels));
  for (let from = 0; from < frames; from += step) {
    if (slices.over) await slices.next();
    const to = Math.min(from + step, frames);
    const part = samples.subarray(from, to);
    read(from, to, part);
    for (let index = 0; index < part.length; index++) {
      const mean = part[index]! / shape.channels;
      if (!Number.isFinite(mean)) throw notFinite(from + index, shape, file);
      part[index] = mean;
    }
  }
  return { samples, sampleRate: shape.sampleRate };
}

function notFinite(frame: number, { dataOffset, bits = 0, channels }: SoundShape, file: string): InvalidFileError {
  const place = dataOffset === undefined ? {} : { offset: dataOffset + (frame * channels * bits) / 8 };
  return new InvalidFileError({ file, problem: `sample ${frame} is not a finite number`, ...place });
}

function requireShape({ channels, sampleRate, frames }: SoundShape, file: string, limits: AudioLimits): void {
  const maxRate = Math.min(limits.maxSampleRate, defaultAudioLimits.maxSampleRate);
  if (frames === 0) throw new InvalidFileError({ file, problem: "it holds no samples" });
  if (sampleRate < minSampleRate) throw new InvalidFileError({ file, problem: `${sampleRate} samples per second are fewer than ${minSampleRate}` });
  if (sampleRate > maxRate) throw new LimitExceededError({ what: "The sample rate", limit: maxRate, received: sampleRate, unit: "Hz", file });
  if (channels > limits.maxChannels) {
    throw new LimitExceededError({ what: "The number of channels", limit: limits.maxChannels, received: channels, file });
  }
}

function boundedFrames({ frames, sampleRate }: SoundShape, file: string, maxSeconds: number, overlong: AudioOptions["overlong"]): number {
  const limit = Math.ceil(maxSeconds * sampleRate);
  if (frames <= limit) return frames;
  if (overlong === "cut") return limit;
  throw new LimitExceededError({ what: "The duration", limit: maxSeconds, received: frames / sampleRate, unit: "seconds", file });
}

function isRawSamples(source: AudioSource): source is RawSamples {
  return typeof source === "object" && source !== null && "samples" in source;
}

function shapeOfRaw({ samples, sampleRate, channels = 1 }: RawSamples): SoundShape {
  if (!(samples instanceof Float32Array || samples instanceof Int16Array)) {
    throw new InvalidArgumentError({ argument: "samples", expected: "a Float32Array or an Int16Array", received: samples });
  }
  if (!Number.isSafeInteger(sampleRate)) throw new InvalidArgumentError({ argument: "sampleRate", expected: "an integer", received: sampleRate });
  if (!Number.isSafeInteger(channels) || channels < 1) throw new InvalidArgumentError({ argument: "channels", expected: "a positive integer", received: channels });
  if (samples.length % channels !== 0) {
    throw new InvalidArgumentError({ argument: "samples", expected: `a multiple of ${channels} samples`, received: samples });
  }
  return { channels, sampleRate, frames: samples.length / channels };
}

function rawReader({ samples }: RawSamples, channels: number): FrameReader {
  const scale = samples instanceof Int16Array ? 1 / 32_768 : 1;
  return (from, to, out) => {
    for (let frame = from, at = from * channels; frame < to; frame++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++, at++) sum = Math.fround(sum + samples[at]! * scale);
      out[frame - from] = sum;
    }
  };
}

