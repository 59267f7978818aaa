import { readGoldens } from "../../../packages/audio/src/testing.ts";

/** A small good file of `packages/audio/src/goldens/compressed.json`. */
export function goodSound(name: string): Buffer {
  const goldens = readGoldens<Readonly<Record<string, { readonly file: string }>>>("compressed");
  return Buffer.from(goldens[name]!.file, "base64");
}

/** Silence in MPEG-2.5 layer III of 8 kbit/s at 8 kHz: 72 bytes for 72 ms. */
export function silentMp3(bytes: number): Buffer {
  const frame = Buffer.alloc(72);
  frame.set([0xff, 0xe3, 0x18, 0xc0]);
  return Buffer.alloc(Math.floor(bytes / 72) * 72, frame);
}

/** An Ogg Opus file whose packets of one byte each stand for 120 ms of silence: 30 seconds in 537 bytes. */
export function silentOpus(pages: number): Buffer {
  const head = Buffer.from("OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0", "latin1");
  const packets = new Uint8Array(255).fill(0x19);
  const sound = Array.from({ length: pages }, (_, index) => oggPage(index + 2, BigInt((index + 1) * 255 * 5760), new Uint8Array(255).fill(1), packets, index === pages - 1));
  return Buffer.concat([oggPage(0, 0n, [head.length], head, false), oggPage(1, 0n, [16], Buffer.from("OpusTags\0\0\0\0\0\0\0\0", "latin1"), false), ...sound]);
}

/** The first page of an Ogg stream whose first packet is this. */
export function oggHead(packet: string): Buffer {
  return oggPage(0, 0n, [packet.length], Buffer.from(packet, "latin1"), false);
}

function oggPage(number: number, granule: bigint, lengths: ArrayLike<number>, content: Uint8Array, last: boolean): Buffer {
  const header = Buffer.alloc(27);
  header.write("OggS", "latin1");
  header[5] = (number === 0 ? 2 : 0) + (last ? 4 : 0);
  header.writeBigInt64LE(granule, 6);
  header.writeUInt32LE(7, 14);
  header.writeUInt32LE(number, 18);
  header[26] = lengths.length;
  return Buffer.concat([header, Uint8Array.from(lengths), content]);
}
