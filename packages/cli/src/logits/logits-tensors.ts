import type { SafetensorsTensor } from "@polywen/formats";
import type { Logits, MediumTrace } from "polywen";

/**
 * What `polywen logits` writes. Media of a kind are put together in the order of the prompt; log-mel features are
 * [clips, bands, frames] there, padded with zeros to the longest clip.
 */
export function logitsTensors(logits: Logits): SafetensorsTensor[] {
  const { ids, vocabularySize, positionAxes, media } = logits;
  return [
    integers("ids", ids),
    { name: "logits", dtype: "F32", shape: [ids.length, vocabularySize], data: logits.logits },
    integers("greedy", logits.greedy),
    ...(positionAxes === 1 ? [] : [{ ...integers("positions", transpose(logits.positions, positionAxes)), shape: [positionAxes, ids.length] }]),
    ...mediaTensors(media),
  ];
}

/** What encoders made of media, and what they made it of. */
export function mediaTensors(media: readonly MediumTrace[]): SafetensorsTensor[] {
  const images = media.filter(({ modality }) => modality === "image");
  const videos = media.filter(({ modality }) => modality === "video");
  const audios = media.filter(({ modality }) => modality === "audio");
  return [
    ...patches("pixel_values", "image_features", images),
    ...patches("pixel_values_videos", "video_features", videos),
    ...deepstack([...images, ...videos]),
    ...(audios.length === 0 ? [] : [logMels(audios), features("audio_features", audios)]),
  ];
}

function integers(name: string, data: Int32Array): SafetensorsTensor {
  return { name, dtype: "I32", shape: [data.length], data };
}

/** Parts put together as [rows, …]. */
function matrix(name: string, parts: readonly Float32Array[], rows: number): SafetensorsTensor {
  const length = sum(parts, (part) => part.length);
  const data = new Float32Array(length);
  let offset = 0;
  for (const part of parts) {
    data.set(part, offset);
    offset += part.length;
  }
  return { name, dtype: "F32", shape: [rows, length / rows], data };
}

function patches(pixels: string, name: string, media: readonly MediumTrace[]): SafetensorsTensor[] {
  if (media.length === 0) return [];
  return [matrix(pixels, media.map(pixelValues), sum(media, ({ sizes }) => sizes["patches"]!)), features(name, media)];
}

function features(name: string, media: readonly MediumTrace[]): SafetensorsTensor {
  return matrix(name, media.map((medium) => medium.features), sum(media, ({ rows }) => rows));
}

/** What the first layers of the text model are given beside the features: `deepstack_0` after layer 0. */
function deepstack(images: readonly MediumTrace[]): SafetensorsTensor[] {
  return (images[0]?.deeper ?? []).map((_, level) => matrix(`deepstack_${level}`, images.map(({ deeper }) => deeper[level]!), sum(images, ({ rows }) => rows)));
}

function pixelValues({ inputs }: MediumTrace): Float32Array {
  return inputs["pixelValues"] as Float32Array;
}

/** The encoder takes [frames, bands]; published processors give [bands, frames]. */
function logMels(audios: readonly MediumTrace[]): SafetensorsTensor {
  const frames = Math.max(...audios.map(({ sizes }) => sizes["frames"]!));
  const bands = (audios[0]!.inputs["inputFeatures"] as Float32Array).length / audios[0]!.sizes["frames"]!;
  const data = new Float32Array(audios.length * bands * frames);
  for (const [clip, { inputs }] of audios.entries()) {
    (inputs["inputFeatures"] as Float32Array).forEach((value, index) => {
      data[(clip * bands + (index % bands)) * frames + Math.floor(index / bands)] = value;
    });
  }
  return { name: "input_features", dtype: "F32", shape: [audios.length, bands, frames], data };
}

/** [rows, axes] to [axes, rows]. */
function transpose(values: Int32Array, axes: number): Int32Array {
  const rows = values.length / axes;
  return Int32Array.from(values, (_, index) => values[(index % rows) * axes + Math.floor(index / rows)]!);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
