// oxlint-disable-next-line import/default -- CommonJS: its exports are the default.
import wavefile from "wavefile";
import type { WavLayout } from "./wav-layout.ts";

const headerLength = 44;
const formatTags: Readonly<Record<WavLayout["encoding"], number>> = { integer: 1, float: 3, "a-law": 6, "mu-law": 7 };

/**
 * Decodes the frames from `from` to `to` and puts the float32 sum of their channels into `out`. Integers are divided by their full
 * scale; A-law and µ-law expand to 16 bits first.
 *
 * The library never sees the file, whose chunks may lie, but a small one with a header made from checked facts. It is asked for one
 * piece at a time, because it unpacks a whole file in one go.
 */
export function decodeWavFrames(bytes: Uint8Array, layout: WavLayout, from: number, to: number, out: Float32Array): void {
  const wav = new wavefile.WaveFile(cutPiece(bytes, layout, from, to));
  if (layout.encoding === "a-law") wav.fromALaw("16");
  if (layout.encoding === "mu-law") wav.fromMuLaw("16");
  // Interleaved, so that one array comes back for any number of channels.
  const samples = wav.getSamples(true, Float64Array);
  const { factor, zero } = scaleOf(layout);
  const { channels } = layout;
  for (let frame = 0, at = 0; frame < to - from; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at++) {
      sum = Math.fround(sum + Math.fround((samples[at]! - zero) * factor));
    }
    out[frame] = sum;
  }
}

function scaleOf({ encoding, bits }: WavLayout): { factor: number; zero: number } {
  if (encoding === "float") return { factor: 1, zero: 0 };
  if (encoding === "integer") return { factor: 2 ** (1 - bits), zero: bits === 8 ? 128 : 0 };
  return { factor: 2 ** -15, zero: 0 };
}

/** A WAV file of its own with the frames from `from` to `to`. */
function cutPiece(bytes: Uint8Array, layout: WavLayout, from: number, to: number): Uint8Array {
  const { encoding, bits, channels, sampleRate, dataOffset } = layout;
  const blockLength = (channels * bits) / 8;
  const length = (to - from) * blockLength;
  const piece = new Uint8Array(headerLength + length + (length % 2));
  const view = new DataView(piece.buffer);
  piece.set(Buffer.from("RIFF____WAVEfmt ____________________data"), 0);
  view.setUint32(4, piece.length - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, formatTags[encoding], true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * blockLength, true);
  view.setUint16(32, blockLength, true);
  view.setUint16(34, bits, true);
  view.setUint32(40, length, true);
  piece.set(bytes.subarray(dataOffset + from * blockLength, dataOffset + to * blockLength), headerLength);
  return piece;
}
