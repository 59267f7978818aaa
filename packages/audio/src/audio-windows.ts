import { InvalidArgumentError } from "@polywen/tensor";
import type { AudioOptions } from "./audio-limits.ts";
import { decodeAudio, type AudioInput } from "./decode-audio.ts";
import type { RawSamples } from "./raw-samples.ts";

/** Options of `audioWindows`. `limits.maxSeconds` bounds the whole recording; its default is 3,600 here. */
export interface AudioWindowOptions extends Omit<AudioOptions, "overlong"> {
  /** Length of a window in seconds; default 30, what Qwen2-Audio takes at once. */
  readonly seconds?: number | undefined;
  /** Seconds that a window shares with the one before; default 0. */
  readonly overlap?: number | undefined;
}

const DEFAULT_MAX_SECONDS = 3600;

/**
 * Cuts a recording of any length into windows that follow each other, as sounds of their own: mono, at the rate of the recording.
 * The last window holds what is left. Throws what `decodeAudio` throws.
 */
export async function audioWindows(input: AudioInput, options: AudioWindowOptions = {}): Promise<RawSamples[]> {
  const { seconds = 30, overlap = 0, limits, signal, network } = options;
  if (!(Number.isFinite(seconds) && seconds > 0)) throw new InvalidArgumentError({ argument: "seconds", expected: "a positive number", received: seconds });
  if (!(overlap >= 0 && overlap <= seconds / 2)) throw new InvalidArgumentError({ argument: "overlap", expected: `0 to ${seconds / 2} seconds`, received: overlap });
  const { samples, sampleRate } = await decodeAudio(input, { limits: { maxSeconds: DEFAULT_MAX_SECONDS, ...limits }, signal, network });
  const length = Math.max(1, Math.floor(seconds * sampleRate));
  const step = Math.max(1, length - Math.round(overlap * sampleRate));
  const count = 1 + Math.ceil(Math.max(0, samples.length - length) / step);
  return Array.from({ length: count }, (_, index) => ({ samples: samples.subarray(index * step, index * step + length), sampleRate }));
}
