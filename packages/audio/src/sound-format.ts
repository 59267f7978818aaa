import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { MediaBytes } from "@polywen/cross-modal";

/** First bytes (as latin-1 text) of formats that are recognised and refused by name. */
const signatures: readonly (readonly [start: RegExp, format: string])[] = [
  [/^ID3/, "MP3"],
  [/^fLaC/, "FLAC"],
  [/^OggS.{24,60}OpusHead/s, "Ogg Opus"],
  [/^OggS/, "Ogg"],
  [/^.{4}ftyp/s, "MP4 or M4A"],
  [/^FORM.{4}AIF[FC]/s, "AIFF"],
  [/^(RF64|BW64)/, "RF64 (WAV over 4 GiB)"],
  [/^RIFX/, "RIFX (big-endian WAV)"],
  [/^caff/, "CAF"],
  [/^\.snd/, "AU"],
  [/^#!AMR/, "AMR"],
  [/^\x1a\x45\xdf\xa3/, "WebM or Matroska"],
  [/^\x30\x26\xb2\x75/, "WMA"],
  [/^wvpk/, "WavPack"],
  [/^\xff[\xf0\xf1\xf8\xf9]/, "AAC"],
  [/^\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]/, "MP3"],
];

/**
 * Makes sure, by content, that the bytes are a RIFF file of the kind WAVE.
 * Throws UnsupportedError with the name of another format, and InvalidFileError for everything else.
 */
export function requireWav({ bytes, name }: MediaBytes): void {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString("latin1");
  if (head.startsWith("RIFF") && head.startsWith("WAVE", 8)) return;
  const format = signatures.find(([start]) => start.test(head))?.[1];
  if (format !== undefined) {
    throw new UnsupportedError(
      { feature: `${name}: the audio format ${format}`, supported: ["WAV"] },
      { hint: "Decode it first, for instance with ffmpeg -i INPUT output.wav, or pass raw samples." },
    );
  }
  const what = head.startsWith("version https://git-lfs") ? "a Git LFS pointer" : /^\s*<(!doctype html|html)/i.test(head) ? "an HTML page" : "unknown content";
  throw new InvalidFileError({ file: name, problem: `this is ${what}, not a WAV file`, offset: 0 });
}
