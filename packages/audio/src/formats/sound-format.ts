import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { MediaBytes } from "@polywen/cross-modal";

/** Formats that are decoded. */
export type SoundFormat = "WAV" | "MP3" | "FLAC" | "Ogg";

const supported = ["WAV", "MP3", "FLAC", "Ogg Vorbis", "Ogg Opus"];

const decoded: readonly (readonly [start: RegExp, format: SoundFormat])[] = [
  [/^RIFF.{4}WAVE/s, "WAV"],
  [/^fLaC/, "FLAC"],
  [/^OggS/, "Ogg"],
  [/^\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]/, "MP3"],
];

/** First bytes (as latin-1 text) of formats that are recognised and refused by name. */
const refused: readonly (readonly [start: RegExp, format: string])[] = [
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
];

/**
 * Tells the format of a sound by its content from `offset` on.
 * Throws UnsupportedError with the name of a format that is not decoded, and InvalidFileError for everything else.
 */
export function detectSoundFormat({ bytes, name }: MediaBytes, offset: number): SoundFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + offset, Math.min(bytes.length - offset, 64)).toString("latin1");
  const found = decoded.find(([start]) => start.test(head))?.[1];
  if (found !== undefined) return found;
  const format = refused.find(([start]) => start.test(head))?.[1];
  if (format !== undefined) throw unsupportedFormat(name, format);
  if (offset > 0) throw new InvalidFileError({ file: name, problem: "there is no sound after its tags", offset });
  const what = head.startsWith("version https://git-lfs") ? "a Git LFS pointer" : /^\s*<(!doctype html|html)/i.test(head) ? "an HTML page" : "unknown content";
  throw new InvalidFileError({ file: name, problem: `this is ${what}, not a sound`, offset: 0 });
}

/** For a format that is recognised and not decoded. */
export function unsupportedFormat(file: string, format: string): UnsupportedError {
  return new UnsupportedError({ feature: `${file}: the audio format ${format}`, supported }, { hint: "Convert it first, for instance with ffmpeg -i INPUT output.flac, or pass raw samples." });
}
