import type { NetworkAccess } from "@polywen/cross-modal";
import { InvalidArgumentError, InvalidFileError, LimitExceededError } from "@polywen/tensor";

/** What a sound may cost. Checked before the memory is taken. */
export interface AudioLimits {
  /** Size of the encoded file in bytes; default 128 MiB. */
  readonly maxBytes: number;
  /** Duration in seconds of a sound, or of the part that is cut from it; default 300, the window of Qwen2.5-Omni. */
  readonly maxSeconds: number;
  /** Seconds of a compressed file that may be decoded only to reach the beginning of a cut; default 14,400. */
  readonly maxSkippedSeconds: number;
  /** Default 32. */
  readonly maxChannels: number;
  /** Samples per second; default and most 192,000. */
  readonly maxSampleRate: number;
}

/** The limits that hold where a caller sets none. */
export const defaultAudioLimits: AudioLimits = {
  maxBytes: 128 * 2 ** 20,
  maxSeconds: 300,
  maxSkippedSeconds: 14_400,
  maxChannels: 32,
  maxSampleRate: 192_000,
};

/** Slower sound is no sound; it also bounds how much resampling makes of a file. */
const minSampleRate = 1000;

/** A part of a sound in seconds; its ends are rounded to whole samples. */
export interface TimeRange {
  /** Default 0. */
  readonly from?: number | undefined;
  /** Default, and wherever it lies beyond: the end of the sound. */
  readonly to?: number | undefined;
}

/** Limits to change, what to do with too long a sound, and what stops the work. */
export interface AudioOptions {
  readonly limits?: Partial<AudioLimits> | undefined;
  /** Sound over the duration limit is an error (the default), or its end is cut off. */
  readonly overlong?: "error" | "cut" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What may be fetched. Default: nothing. */
  readonly network?: NetworkAccess | undefined;
}

/** What is asked of a sound, with the limits that hold for it. */
export interface SoundRequest {
  /** Its name in errors. */
  readonly file: string;
  readonly range: TimeRange;
  readonly limits: AudioLimits;
  readonly overlong: AudioOptions["overlong"];
}

/** Throws for a sample rate or a number of channels that is out of the limits. */
export function requireShape({ channels, sampleRate }: { readonly channels: number; readonly sampleRate: number }, { file, limits }: SoundRequest): void {
  const maxRate = Math.min(limits.maxSampleRate, defaultAudioLimits.maxSampleRate);
  if (sampleRate < minSampleRate) throw new InvalidFileError({ file, problem: `${sampleRate} samples per second are fewer than ${minSampleRate}` });
  if (sampleRate > maxRate) throw new LimitExceededError({ what: "The sample rate", limit: maxRate, received: sampleRate, unit: "Hz", file });
  if (channels > limits.maxChannels) {
    throw new LimitExceededError({ what: "The number of channels", limit: limits.maxChannels, received: channels, file });
  }
}

/** The frames that a range asks for: from `first` to before `last`, which is infinite for the end. Throws InvalidArgumentError. */
export function framesOfRange({ from = 0, to = Infinity }: TimeRange, sampleRate: number): { readonly first: number; readonly last: number } {
  if (!(Number.isFinite(from) && from >= 0)) throw new InvalidArgumentError({ argument: "from", expected: "seconds, 0 or more", received: from });
  if (!(typeof to === "number" && to > from)) throw new InvalidArgumentError({ argument: "to", expected: `more than the ${from} seconds of from`, received: to });
  const first = Math.round(from * sampleRate);
  return { first, last: Math.max(Math.round(to * sampleRate), first + 1) };
}

/** Frames that may be kept of `frames`: all, or those within the duration limit if the rest is to be cut off. Throws LimitExceededError. */
export function boundedFrames(frames: number, sampleRate: number, { file, limits: { maxSeconds }, overlong }: SoundRequest): number {
  const limit = Math.ceil(maxSeconds * sampleRate);
  if (frames <= limit || overlong === "cut") return Math.min(frames, limit);
  throw new LimitExceededError(
    { what: "The duration", limit: maxSeconds, received: frames / sampleRate, unit: "seconds", file },
    { hint: "Take a part of it with { from, to }, or all of it in windows with audioWindows." },
  );
}

/** Throws if nothing is left of a sound of `frames`: because there is nothing, or because the range begins after its end. */
export function requireFrames(kept: number, frames: number, sampleRate: number, { file, range }: SoundRequest): void {
  if (frames === 0) throw new InvalidFileError({ file, problem: "it holds no samples" });
  if (kept <= 0) throw new InvalidArgumentError({ argument: "from", expected: `less than the ${frames / sampleRate} seconds of ${file}`, received: range.from });
}
