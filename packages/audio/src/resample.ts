import libsamplerate from "@alexanderolsen/libsamplerate-js";
import { InvalidArgumentError } from "@polywen/tensor";
import type { MonoSound } from "./decode-audio.ts";
import { TimeSlices } from "@polywen/cross-modal";

/** Samples of the higher rate that are converted between two looks at the clock: a few milliseconds, whatever the rates. */
const pieceLength = 4096;

/**
 * Resamples a sound by band-limited interpolation (libsamplerate, best quality). Times stay where they were; the length is
 * `ceil(samples * to / from)`, as librosa and transformers have it. A sound of the wanted rate is returned as it is.
 * The sound is streamed through the converter in pieces, with the very samples that converting the whole would give.
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
  const out = new Float32Array(Math.ceil((samples.length * sampleRate) / from));
  const step = Math.ceil((pieceLength * from) / Math.max(from, sampleRate));
  const silence = new Float32Array(step);
  const converter = await libsamplerate.create(1, from, sampleRate, { converterType: libsamplerate.ConverterType.SRC_SINC_BEST_QUALITY });
  try {
    for (let read = 0, written = 0; written < out.length; read += step) {
      if (slices.over) await slices.next();
      // The converter holds back what later samples can still change: silence at the end drives it out.
      const piece = read < samples.length ? samples.subarray(read, read + step) : silence;
      const converted = converter.full(piece).subarray(0, out.length - written);
      out.set(converted, written);
      written += converted.length;
    }
  } finally {
    converter.destroy();
  }
  return { samples: out, sampleRate };
}
