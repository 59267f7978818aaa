import { audio } from "polywen";
import { failure, type HostileCase, type Outcome } from "../hostile-case.ts";
import { isoFile } from "../inputs/images.ts";
import { goodSound, oggHead, silentMp3, silentOpus } from "../inputs/sounds.ts";
import { mediumCase } from "./model-calls.ts";

function sounds(id: string, input: string, files: () => Readonly<Record<string, Uint8Array>>, outcome: Outcome): HostileCase {
  return mediumCase(id, input, async () => files(), outcome, audio);
}

function changed(name: string, change: (bytes: Buffer) => unknown): Buffer {
  const bytes = goodSound(name);
  change(bytes);
  return bytes;
}

function withoutLastPage(): Buffer {
  const bytes = goodSound("stereo-22050.ogg");
  return bytes.subarray(0, bytes.lastIndexOf("OggS"));
}

/** Compressed recordings: files that lie, break off, or hold more than they look like. */
export const compressedAudioCases: readonly HostileCase[] = [
  sounds("73b", "M4A, WebM, AAC, Ogg with an unknown codec", () => ({
    "a.m4a": isoFile("M4A "),
    "a.webm": Buffer.from("\x1a\x45\xdf\xa3".padEnd(64, "\0"), "latin1"),
    "a.aac": Buffer.from("\xff\xf1".padEnd(64, "\0"), "latin1"),
    "a.ogg": oggHead("fishead"),
  }), failure("UNSUPPORTED", { says: "ffmpeg" })),
  sounds("73c", "an MP3 that is only tags", () => ({ "a.mp3": Buffer.from("ID3\x04\0\0\0\0\x04\0".padEnd(522, "x"), "latin1") }), failure("FILE_INVALID", { file: "a.mp3", place: { offset: 522 } })),
  sounds("73d", "an MP3 of frame headers with nothing behind them", () => ({ "a.mp3": Buffer.from("\xff\xfb\x90\0".padEnd(64, "\0"), "latin1") }), failure("FILE_INVALID", { file: "a.mp3", place: "whole file", says: "no samples" })),
  sounds("74c", "an Ogg file that ends within a page", () => ({ "a.ogg": goodSound("stereo-22050.ogg").subarray(0, -100) }), failure("FILE_INVALID", { file: "a.ogg", place: { offset: goodSound("stereo-22050.ogg").lastIndexOf("OggS") } })),
  sounds("74d", "a FLAC file that says it is longer than it is", () => ({ "a.flac": changed("mono-16000.flac", (bytes) => bytes.writeUInt32BE(1e6, 22)) }), failure("FILE_INVALID", { file: "a.flac", place: { offset: goodSound("mono-16000.flac").length }, says: "ends after 3200" })),
  sounds("74e", "an Opus file whose last page counts 2^62 samples", () => ({ "a.opus": changed("mono-16000.opus", (bytes) => bytes.writeBigInt64LE(2n ** 62n, bytes.lastIndexOf("OggS") + 6)) }), failure("FILE_INVALID", { file: "a.opus", place: { offset: goodSound("mono-16000.opus").lastIndexOf("OggS") } })),
  sounds("74f", "an Ogg stream without its last page, and another one after it", () => ({ "a.ogg": Buffer.concat([withoutLastPage(), goodSound("stereo-22050.ogg")]) }), failure("FILE_INVALID", { file: "a.ogg", place: { offset: withoutLastPage().length } })),
  sounds("74g", "an Ogg stream after another, in a codec that is not decoded", () => ({ "a.ogg": Buffer.concat([goodSound("mono-16000.opus"), oggHead("Speex   ")]) }), failure("UNSUPPORTED", { file: "a.ogg", says: "Ogg Speex" })),
  sounds("76c", "65 Ogg streams one after the other, 65 side by side", () => ({
    "a.opus": Buffer.concat(Array.from({ length: 65 }, () => goodSound("mono-16000.opus"))),
    "b.ogg": Buffer.concat(Array.from({ length: 65 }, () => oggHead("fishead"))),
  }), failure("LIMIT_EXCEEDED", { says: "streams" })),
  sounds("76b", "half an hour of silence in 2 MB of MP3; 16 hours in 1 MB of Opus", () => ({ "a.mp3": silentMp3(2e6), "a.opus": silentOpus(1950) }), failure("LIMIT_EXCEEDED", { says: "300 seconds" })),
];
