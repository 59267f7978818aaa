import { TimeSlices } from "@polywen/cross-modal";
import { InvalidArgumentError } from "@polywen/tensor";
import type { MonoSound } from "./mix-down.ts";
import { ResamplingFilter } from "./resampling-filter.ts";

/** Output samples between two looks at the clock. */
const PIECE = 256;

/**
 * Resamples a sound by band-limited interpolation, with the filter that soxr's quality "HQ" has. Times stay where they were; the length is
 * `ceil(samples * to / from)`, as librosa and transformers have it. A sound of the wanted rate is returned as it is. Runs in slices.
 * Throws InvalidArgumentError unless both rates are integers from 1,000 to 192,000 Hz, and AbortedError.
 */
export async function resample(sound: MonoSound, sampleRate: number, signal?: AbortSignal): Promise<MonoSound> {
  const slices = new TimeSlices("Resampling a sound", signal);
  const { samples, sampleRate: from } = sound;
  if (from === sampleRate) return sound;
  for (const [argument, rate] of Object.entries({ "sound.sampleRate": from, sampleRate })) {
    if (!Number.isSafeInteger(rate) || rate < 1000 || rate > 192_000) {
      throw new InvalidArgumentError({ argument, expected: "an integer from 1,000 to 192,000", received: rate });
    }
  }
  const filter = new ResamplingFilter(from, sampleRate);
  const scratch = new Float32Array(filter.length);
  const out = new Float32Array(Math.ceil((samples.length * sampleRate) / from));
  for (let index = 0; index < out.length; index++) {
    if (index % PIECE === 0 && slices.over) await slices.next();
    out[index] = weightedSum(samples, filter.first(index), filter.taps(index, scratch));
  }
  return { samples: out, sampleRate };
}

/** One output sample: the sum of the samples from `first` on, each weighted by its tap. What lies before and after the sound is silence. Four sums at a time keep the processor busy. */
export function weightedSum(samples: Float32Array, first: number, taps: Float32Array): number {
  const begin = Math.max(0, -first);
  const end = Math.min(taps.length, samples.length - first);
  let [a, b, c, d] = [0, 0, 0, 0];
  let tap = begin;
  for (; tap + 3 < end; tap += 4) {
    const at = first + tap;
    a += samples[at]! * taps[tap]!;
    b += samples[at + 1]! * taps[tap + 1]!;
    c += samples[at + 2]! * taps[tap + 2]!;
    d += samples[at + 3]! * taps[tap + 3]!;
  }
  for (; tap < end; tap++) a += samples[first + tap]! * taps[tap]!;
  return a + b + (c + d);
}
