import { readMediaSource, TimeSlices, type MediaBytes, type MediaSource } from "@polywen/cross-modal";
import { boundedFrames, defaultAudioLimits, framesOfRange, requireShape, type AudioOptions, type SoundRequest, type TimeRange } from "./audio-limits.ts";
import { id3Length } from "./formats/id3.ts";
import { detectSoundFormat, type SoundFormat } from "./formats/sound-format.ts";
import { guarded, type OpenedSound } from "./formats/sound-stream.ts";
import { readWavLayout } from "./formats/wav-layout.ts";
import { wavReader } from "./formats/wav-samples.ts";
import { mixFrames, mixStream, type MonoSound } from "./mix-down.ts";
import { isRawSamples, rawReader, shapeOfRaw, type RawSamples } from "./raw-samples.ts";

/** Where a sound comes from. */
export type AudioSource = MediaSource | RawSamples;

/** A part of a sound. */
export interface AudioPart extends TimeRange {
  readonly source: AudioSource;
}

/** Sound as callers hand it in: all of it, or a part. */
export type AudioInput = AudioSource | AudioPart;

/**
 * Reads a sound and averages its channels, LFE among them, with the values that soundfile and NumPy's float32 mean give: WAV (integers of
 * 8, 16, 24 and 32 bits, floats of 32 and 64 bits, A-law, µ-law), MP3, FLAC, Ogg Vorbis, Ogg Opus, or raw samples. Streams that follow each
 * other in an Ogg file are one sound, at the rate of the first. Runs in slices; what lies after the wanted part is not decoded.
 *
 * Throws what `readMediaSource` throws; UnsupportedError for other formats; LimitExceededError; InvalidFileError for damaged and
 * truncated files, sound without samples and samples that are not finite; InvalidArgumentError for raw samples that do not fit, and for a
 * part that begins after the end.
 */
export async function decodeAudio(input: AudioInput, options: AudioOptions = {}): Promise<MonoSound> {
  const limits = { ...defaultAudioLimits, ...options.limits };
  const { source, ...range } = isPart(input) ? input : { source: input };
  const slices = new TimeSlices("Decoding a sound", options.signal);
  const requestFor = (file: string): SoundRequest => ({ file, range, limits, overlong: options.overlong });
  if (isRawSamples(source)) {
    const shape = shapeOfRaw(source);
    return mixFrames(shape, rawReader(source, shape.channels), requestFor("the raw samples"), slices);
  }
  const medium = await readMediaSource(source, { what: "audio", maxBytes: limits.maxBytes, signal: options.signal, network: options.network });
  const request = requestFor(medium.name);
  const offset = id3Length(medium.bytes);
  const format = detectSoundFormat(medium, offset);
  if (format === "WAV") {
    const layout = readWavLayout(medium);
    return mixFrames(layout, await wavReader(medium.bytes, layout), request, slices);
  }
  const { stream, declared } = await openSound(format, medium, offset, request, slices);
  if (declared !== undefined) refuseLongSound(declared, request);
  return mixStream(guarded(stream, medium.name), request, slices);
}

/** The decoders are WebAssembly: each is loaded with the first file that needs it. */
async function openSound(format: Exclude<SoundFormat, "WAV">, medium: MediaBytes, offset: number, request: SoundRequest, slices: TimeSlices): Promise<OpenedSound> {
  switch (format) {
    case "MP3":
      return { stream: (await import("./formats/decode-mp3.ts")).decodeMp3(medium, offset) };
    case "FLAC": {
      const { decodeFlac, readFlacInfo } = await import("./formats/decode-flac.ts");
      const info = readFlacInfo(medium, offset);
      requireShape(info, request);
      return { stream: decodeFlac(medium, info), declared: { frames: info.totalSamples, sampleRate: info.sampleRate } };
    }
    case "Ogg":
      return (await import("./formats/decode-ogg.ts")).openOgg(medium, request, slices);
  }
}

/** A sound that says itself that it is too long is not decoded; one that lies is stopped at the limit. */
function refuseLongSound({ frames, sampleRate }: NonNullable<OpenedSound["declared"]>, request: SoundRequest): void {
  if (sampleRate === 0) return;
  const { first, last } = framesOfRange(request.range, sampleRate);
  boundedFrames(Math.max(Math.min(frames, last) - first, 0), sampleRate, request);
}

function isPart(input: AudioInput): input is AudioPart {
  return typeof input === "object" && input !== null && "source" in input;
}
