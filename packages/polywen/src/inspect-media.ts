import { preprocessAudio, spectrogramPicture } from "@polywen/audio";
import { prepareMedium, readMediaSource, type MediaSource, type NetworkAccess } from "@polywen/cross-modal";
import { readPreprocessor, type FeatureExtractorConfig, type ImageProcessorConfig } from "@polywen/formats";
import { UnsupportedError } from "@polywen/tensor";
import { encodePng, examineImage, isImage, type ImageSize } from "@polywen/vision";
import type { Family, MediaOptions } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import { openModelSource, type ModelSourceOptions } from "./model-source.ts";
import { EMBEDDED_MODEL } from "./resolve-source.ts";

/** What becomes of a picture. */
export interface ImageSummary {
  readonly kind: "image";
  readonly format: string;
  /** Frames or pages of the file. */
  readonly frames: number;
  readonly originalSize: ImageSize;
  /** After resizing, in pixels. */
  readonly size: ImageSize;
  /** Patches: frames, rows, columns. */
  readonly grid: readonly [t: number, h: number, w: number];
  /** Side of a patch in pixels, and of a merged square in patches. */
  readonly patchSize: number;
  readonly mergeSize: number;
}

/** What becomes of a recording. */
export interface AudioSummary {
  readonly kind: "audio";
  readonly seconds: number;
  /** Of the model. */
  readonly sampleRate: number;
  readonly resampled: boolean;
  /** Log-mel features: bands and frames. */
  readonly mels: number;
  readonly frames: number;
}

/** A medium as a model sees it. */
export type MediaSummary = (ImageSummary | AudioSummary) & {
  /** Rows of the prompt that it takes. */
  readonly rows: number;
  /** What happened to it, step by step, in words. */
  readonly changes: readonly string[];
  /** PNG: the resized image with the grid of patches, or the log-mel spectrogram. */
  readonly picture: Uint8Array;
};

/** Options of `inspectMedia`. */
export interface InspectMediaOptions extends ModelSourceOptions {
  /** Whose preprocessing is applied, as `loadModel` takes it. Default: the embedded model. */
  readonly model?: string | undefined;
  readonly media?: MediaOptions;
  readonly network?: NetworkAccess | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The largest file that limits of either kind allow by default; the limit of the kind is checked when it is known. */
const maxBytes = 128 * 2 ** 20;

/**
 * Shows what a model sees of an image or a sound file: no weights are read and nothing is encoded.
 * Throws as `loadModel` does for the model's files, as a prompt does for the medium, and UnsupportedError for a model that has no such input.
 */
export async function inspectMedia(source: MediaSource, options: InspectMediaOptions = {}): Promise<MediaSummary> {
  const { folder } = await openModelSource(options.model ?? EMBEDDED_MODEL, options);
  const family = await loadFamily(folder, options.media ?? {});
  const processors = await readPreprocessor(folder);
  const { bytes, name } = await readMediaSource(source, { what: "medium", maxBytes, signal: options.signal, network: options.network });
  // A File, so that errors have the name of the medium.
  const file = new File([bytes as Uint8Array<ArrayBuffer>], name);
  const kind = isImage(bytes) ? "image" : "audio";
  const processor = processors[kind];
  if (processor === undefined) throw new UnsupportedError({ feature: `${kind} input for this model`, supported: ["text", ...family.modalities.map(({ definition }) => definition.name)] });
  return kind === "image" ? inspectImage(file, family, processor as ImageProcessorConfig, options) : inspectAudio(file, family, processor as FeatureExtractorConfig, options);
}

/** The rows that a decoded medium takes, as a prompt would count them. */
async function countRows({ modalities }: Family, kind: string, decoded: unknown, { signal }: InspectMediaOptions): Promise<number> {
  const modality = modalities.find(({ definition }) => definition.name === kind);
  return modality === undefined ? 0 : (await prepareMedium(modality.definition, decoded, { signal })).rows;
}

async function inspectImage(file: File, family: Family, processor: ImageProcessorConfig, options: InspectMediaOptions): Promise<MediaSummary> {
  const { format, frames, originalSize, size, grid, changes, picture, pixels } = await examineImage(file, processor, { limits: options.media?.image, signal: options.signal });
  const { patchSize, mergeSize } = processor;
  const rows = await countRows(family, "image", pixels, options);
  return { kind: "image", format, frames, originalSize, size, grid: [grid.t, grid.h, grid.w], patchSize, mergeSize, rows, changes, picture: await encodePng(picture) };
}

async function inspectAudio(file: File, family: Family, processor: FeatureExtractorConfig, options: InspectMediaOptions): Promise<MediaSummary> {
  const { media, signal } = options;
  const sound = await preprocessAudio(file, processor, { limits: media?.audio, overlong: media?.overlongAudio, signal });
  const { samplingRate: sampleRate } = processor;
  const { mels, frames, resampled, sampleCount } = sound;
  // Rows depend on the length alone: silence of that length is counted, not the sound decoded again.
  const rows = await countRows(family, "audio", { samples: new Float32Array(sampleCount), sampleRate }, options);
  const changes = resampled ? [`it is resampled to ${sampleRate} Hz`] : [];
  return { kind: "audio", seconds: sampleCount / sampleRate, sampleRate, resampled, mels, frames, rows, changes, picture: await encodePng(spectrogramPicture(sound)) };
}
