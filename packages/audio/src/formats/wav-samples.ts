import type { FrameReader } from "../mix-down.ts";
import type { WavLayout } from "./wav-layout.ts";

/** Writes as many samples as `values` holds, from the byte `at` on. */
type Unpack = (view: DataView, at: number, values: Float64Array) => void;

/**
 * Reads frames of a WAV file, whose layout was checked, as the float32 sum of their channels. Integers are divided by their full scale;
 * A-law and µ-law expand to 16 bits first. Samples are unpacked here: `wavefile` assembles floats bit by bit, which takes a second for ten
 * of six channels. It serves for the 256 codes of A-law and µ-law, and is loaded with the first file that needs them.
 */
export async function wavReader(bytes: Uint8Array, layout: WavLayout): Promise<FrameReader> {
  const { channels, bits, dataOffset } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const unpack = await unpackFor(layout);
  let block = new Float64Array(0);
  return (from, to, out) => {
    const count = (to - from) * channels;
    if (block.length < count) block = new Float64Array(count);
    unpack(view, dataOffset + (from * channels * bits) / 8, block.subarray(0, count));
    for (let frame = 0, at = 0; frame < to - from; frame++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++, at++) sum = Math.fround(sum + Math.fround(block[at]!));
      out[frame] = sum;
    }
  };
}

async function unpackFor({ encoding, bits }: WavLayout): Promise<Unpack> {
  if (encoding === "float") return bits === 32 ? unpackFloat32 : unpackFloat64;
  if (encoding !== "integer") return unpackCodes(await expandedCodes(encoding));
  return { 8: unpackInteger8, 16: unpackInteger16, 24: unpackInteger24, 32: unpackInteger32 }[bits as 8 | 16 | 24 | 32];
}

function unpackFloat32(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = view.getFloat32(at + 4 * index, true);
}

function unpackFloat64(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = view.getFloat64(at + 8 * index, true);
}

/** 8 bits have no sign: silence is 128. */
function unpackInteger8(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = (view.getUint8(at + index) - 128) / 2 ** 7;
}

function unpackInteger16(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = view.getInt16(at + 2 * index, true) / 2 ** 15;
}

function unpackInteger24(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    const place = at + 3 * index;
    values[index] = (view.getUint16(place, true) + view.getInt8(place + 2) * 2 ** 16) / 2 ** 23;
  }
}

function unpackInteger32(view: DataView, at: number, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index] = view.getInt32(at + 4 * index, true) / 2 ** 31;
}

function unpackCodes(expanded: Float64Array): Unpack {
  return (view, at, values) => {
    for (let index = 0; index < values.length; index++) values[index] = expanded[view.getUint8(at + index)]!;
  };
}

/** What each of the 256 codes stands for, asked of the library. */
async function expandedCodes(encoding: "a-law" | "mu-law"): Promise<Float64Array> {
  const { default: wavefile } = await import("wavefile");
  const wav = new wavefile.WaveFile();
  wav.fromScratch(1, 8000, encoding === "a-law" ? "8a" : "8m", Uint8Array.from({ length: 256 }, (_, code) => code));
  if (encoding === "a-law") wav.fromALaw("16");
  else wav.fromMuLaw("16");
  return Float64Array.from(wav.getSamples(true, Float64Array), (sample) => sample / 2 ** 15);
}
