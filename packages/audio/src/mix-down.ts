import { InvalidFileError, LimitExceededError, UnsupportedError } from "@polywen/tensor";
import type { TimeSlices } from "@polywen/cross-modal";
import { boundedFrames, framesOfRange, requireFrames, requireShape, type SoundRequest } from "./audio-limits.ts";
import type { SoundBlock, SoundStream } from "./formats/sound-stream.ts";

/** Sound with one channel. Samples are finite, usually in [-1, 1]. */
export interface MonoSound {
  readonly samples: Float32Array;
  /** Samples per second. */
  readonly sampleRate: number;
}

/** What is known of a sound before its samples are read. */
export interface SoundShape {
  readonly channels: number;
  readonly sampleRate: number;
  readonly frames: number;
  /** In a file: where the samples begin, in bytes, and the bits of each. */
  readonly dataOffset?: number;
  readonly bits?: number;
}

/** Adds the frames from `from` to `to` of a sound to `out`, all channels summed in float32. */
export type FrameReader = (from: number, to: number, out: Float32Array) => void;

/** Averages the channels of a sound whose frames can be read anywhere. */
export async function mixFrames(shape: SoundShape, read: FrameReader, request: SoundRequest, slices: TimeSlices): Promise<MonoSound> {
  const { channels, sampleRate, frames } = shape;
  if (frames > 0) requireShape(shape, request);
  const { first, last } = framesOfRange(request.range, sampleRate);
  const wanted = Math.min(last, frames) - first;
  requireFrames(wanted, frames, sampleRate, request);
  const samples = new Float32Array(boundedFrames(wanted, sampleRate, request));
  const step = Math.max(1, Math.floor(32_768 / channels));
  for (let from = 0; from < samples.length; from += step) {
    if (slices.over) await slices.next();
    const part = samples.subarray(from, from + step);
    read(first + from, first + from + part.length, part);
    for (let index = 0; index < part.length; index++) {
      const mean = part[index]! / channels;
      if (!Number.isFinite(mean)) throw notFinite(first + from + index, shape, request.file);
      part[index] = mean;
    }
  }
  return { samples, sampleRate };
}

/** Averages the channels of a sound that can only be decoded from its beginning. Decoding ends where the range or the limit does. */
export async function mixStream(stream: SoundStream, request: SoundRequest, slices: TimeSlices): Promise<MonoSound> {
  const parts: Float32Array[] = [];
  let [frames, kept] = [0, 0];
  let shape: { readonly channels: number; readonly sampleRate: number; readonly first: number; readonly last: number } | undefined;
  for await (const block of stream) {
    if (slices.over) await slices.next();
    shape = shape === undefined ? openRange(block, request) : sameRate(shape, block, request);
    const length = block.channels[0]!.length;
    const [from, to] = [shape.first - frames, shape.last - frames].map((place) => Math.min(Math.max(place, 0), length)) as [number, number];
    frames += length;
    const room = boundedFrames(kept + to - from, shape.sampleRate, request) - kept;
    parts.push(meanOf(block.channels, request.file, { from, to: from + room, offset: frames - length }));
    kept += room;
    if (frames >= shape.last || room < to - from) break;
  }
  requireFrames(kept, frames, shape?.sampleRate ?? 1, request);
  const samples = new Float32Array(kept);
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return { samples, sampleRate: shape!.sampleRate };
}

function openRange({ channels, sampleRate }: SoundBlock, request: SoundRequest): { channels: number; sampleRate: number; first: number; last: number } {
  const shape = { channels: channels.length, sampleRate };
  requireShape(shape, request);
  const range = framesOfRange(request.range, sampleRate);
  const limit = request.limits.maxSkippedSeconds;
  if (range.first > limit * sampleRate) throw new LimitExceededError({ what: "The beginning of a part of a compressed file", limit, received: request.range.from ?? 0, unit: "seconds", file: request.file });
  return { ...shape, ...range };
}

function sameRate<T extends { readonly channels: number; readonly sampleRate: number }>(shape: T, { channels, sampleRate }: SoundBlock, request: SoundRequest): T {
  if (sampleRate !== shape.sampleRate) throw new UnsupportedError({ feature: `${request.file}: a sound whose rate changes` });
  if (channels.length !== shape.channels) requireShape({ channels: channels.length, sampleRate }, request);
  return shape;
}

/** Which samples of a block are wanted; default all. `offset` is the place of the first in the sound. */
interface BlockRange {
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

/** The mean of all channels. Throws InvalidFileError for samples that are not finite. */
export function meanOf(channels: readonly Float32Array[], file: string, range?: BlockRange): Float32Array {
  const { from, to, offset } = range ?? { from: 0, to: channels[0]!.length, offset: 0 };
  const mean = new Float32Array(to - from);
  for (const channel of channels) for (let index = 0; index < mean.length; index++) mean[index]! += channel[from + index]!;
  for (let index = 0; index < mean.length; index++) {
    mean[index]! /= channels.length;
    if (!Number.isFinite(mean[index])) throw new InvalidFileError({ file, problem: `sample ${offset + from + index} is not a finite number` });
  }
  return mean;
}

function notFinite(frame: number, { dataOffset, bits = 0, channels }: SoundShape, file: string): InvalidFileError {
  const place = dataOffset === undefined ? {} : { offset: dataOffset + (frame * channels * bits) / 8 };
  return new InvalidFileError({ file, problem: `sample ${frame} is not a finite number`, ...place });
}
