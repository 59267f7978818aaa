import { InvalidArgumentError } from "@polywen/tensor";
import type { FrameReader, SoundShape } from "./mix-down.ts";

/** Samples as a caller may hand them in, channels interleaved. Floats lie in [-1, 1]; integers are divided by 32,768. */
export interface RawSamples {
  readonly samples: Float32Array | Int16Array;
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** Default 1. */
  readonly channels?: number | undefined;
}

/** True for raw samples, checked or not. */
export function isRawSamples(source: unknown): source is RawSamples {
  return typeof source === "object" && source !== null && "samples" in source;
}

/** Throws InvalidArgumentError for samples that do not fit together. */
export function shapeOfRaw({ samples, sampleRate, channels = 1 }: RawSamples): SoundShape {
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

/** Reads frames of raw samples. */
export function rawReader({ samples }: RawSamples, channels: number): FrameReader {
  const scale = samples instanceof Int16Array ? 1 / 32_768 : 1;
  return (from, to, out) => {
    for (let frame = from, at = from * channels; frame < to; frame++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++, at++) sum = Math.fround(sum + samples[at]! * scale);
      out[frame - from] = sum;
    }
  };
}
