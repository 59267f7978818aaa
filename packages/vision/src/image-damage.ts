import { crc32 } from "node:zlib";
import type { ImageFormat } from "./image-format.ts";

/** Where the structure of a file breaks off or contradicts itself. `offset` is in bytes from the start of the file. */
export interface ImageDamage {
  readonly offset: number;
  readonly problem: string;
}

/**
 * Finds what is wrong with a file that its decoder refused, as far as its container tells: decoders name no place. Nothing is
 * decoded; every step goes forward, so that the time is bounded by the file. Undefined if the container is in order.
 */
export function locateDamage(bytes: Uint8Array, format: ImageFormat): ImageDamage | undefined {
  try {
    walkers[format](new Walker(bytes));
    return undefined;
  } catch (error) {
    if (error instanceof Walker) return { offset: error.offset, problem: error.problem };
    throw error;
  }
}

/** Walks through a file; `fail` throws the walker itself, with what it found. */
class Walker {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  offset = 0;
  problem = "";

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Steps over `length` bytes of `part` and returns where they begin. */
  take(length: number, part: string): number {
    const at = this.offset;
    if (at + length > this.bytes.length) this.fail(`the file ends inside ${part}`, this.bytes.length);
    this.offset = at + length;
    return at;
  }

  /** Four letters at `at`, for messages; "?" if they are none. */
  tag(at: number): string {
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, 4).toString("latin1");
    return /^[A-Za-z0-9 ]{4}$/.test(text) ? text : "?";
  }

  fail(problem: string, offset: number = this.offset): never {
    this.problem = problem;
    this.offset = offset;
    throw this;
  }
}

const walkers: Readonly<Record<ImageFormat, (walker: Walker) => void>> = { PNG: walkPng, JPEG: walkJpeg, WebP: walkWebP, GIF: walkGif, TIFF: walkTiff, AVIF: walkAvif };

function walkPng(walker: Walker): void {
  walker.take(8, "the signature");
  for (;;) {
    const at = walker.take(8, "the header of a chunk");
    const length = walker.view.getUint32(at);
    const name = walker.tag(at + 4);
    const checksumAt = walker.take(length + 4, `the chunk ${name}`) + length;
    if (crc32(walker.bytes.subarray(at + 4, checksumAt)) !== walker.view.getUint32(checksumAt)) walker.fail(`the checksum of the chunk ${name} is wrong`, checksumAt);
    if (name === "IEND") return;
  }
}

function walkJpeg(walker: Walker): void {
  walker.take(2, "the signature");
  for (;;) {
    const at = walker.take(2, "a marker");
    const marker = walker.view.getUint8(at + 1);
    if (walker.view.getUint8(at) !== 0xff) walker.fail("a marker is expected here", at);
    if (marker === 0xff) walker.offset--;
    if (marker === 0xd9) return;
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const length = walker.view.getUint16(walker.take(2, "the length of a segment"));
    if (length < 2) walker.fail(`a segment of ${length} bytes is impossible`, at + 2);
    walker.take(length - 2, "a segment");
    if (marker === 0xda) skipScan(walker);
  }
}

/** Compressed data go on to the next marker that neither stands for a byte 0xFF nor restarts. */
function skipScan(walker: Walker): void {
  for (;;) {
    const at = walker.bytes.indexOf(0xff, walker.offset);
    if (at < 0 || at + 1 >= walker.bytes.length) walker.fail("the file ends inside the compressed data", walker.bytes.length);
    const next = walker.bytes[at + 1]!;
    walker.offset = at + (next === 0xff ? 1 : 2);
    if (next === 0xff || next === 0 || (next >= 0xd0 && next <= 0xd7)) continue;
    walker.offset = at;
    return;
  }
}

function walkWebP(walker: Walker): void {
  const end = 8 + walker.view.getUint32(walker.take(12, "the header") + 4, true);
  while (walker.offset + 8 <= end) {
    const at = walker.take(8, "the header of a chunk");
    const length = walker.view.getUint32(at + 4, true);
    walker.take(length + (length % 2), `the chunk ${walker.tag(at)}`);
  }
}

function walkGif(walker: Walker): void {
  const at = walker.take(13, "the header");
  const skipColours = (flags: number): number => walker.take((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1), "a table of colours");
  skipColours(walker.view.getUint8(at + 10));
  // A file that ends after a whole frame lacks its end mark only, which many writers forget.
  while (walker.offset < walker.bytes.length) {
    const kind = walker.view.getUint8(walker.take(1, "a block"));
    if (kind === 0x3b) return;
    if (kind === 0x21) walker.take(1, "an extension");
    else if (kind === 0x2c) {
      skipColours(walker.view.getUint8(walker.take(9, "the descriptor of a frame") + 8));
      walker.take(1, "a frame");
    } else walker.fail("a block is expected here", walker.offset - 1);
    for (let length = 1; length > 0; ) {
      length = walker.view.getUint8(walker.take(1, "a block of data"));
      walker.take(length, "a block of data");
    }
  }
}

const stripTags: ReadonlySet<number> = new Set([273, 279, 324, 325]);
const maxDirectories = 4096;

/** Directories, and whether the strips or tiles of pixels lie within the file. */
function walkTiff(walker: Walker): void {
  walker.take(8, "the header");
  const little = walker.view.getUint16(0) === 0x4949;
  // BigTIFF has directories of another layout.
  if (walker.view.getUint16(2, little) !== 42) return;
  let pointer = 4;
  for (let directory = 0; directory < maxDirectories; directory++) {
    const start = walker.view.getUint32(pointer, little);
    if (start === 0) return;
    if (start + 2 > walker.bytes.length) walker.fail(`a directory lies at byte ${start}, beyond the end of the file`, pointer);
    walker.offset = start;
    const entries = walker.take(2 + 12 * walker.view.getUint16(start, little), "a directory") + 2;
    const places = new Map<number, number[]>();
    for (let entry = entries; entry < walker.offset; entry += 12) readPlaces(walker, entry, little, places);
    const [offsets, lengths] = [places.get(273) ?? places.get(324) ?? [], places.get(279) ?? places.get(325) ?? []];
    const outside = offsets.findIndex((offset, index) => offset + (lengths[index] ?? 0) > walker.bytes.length);
    if (outside >= 0) walker.fail(`pixels lie at byte ${offsets[outside]}, of which the file does not hold ${lengths[outside] ?? "any"}`, start);
    pointer = walker.take(4, "a directory");
  }
}

function readPlaces({ view, bytes }: Walker, entry: number, little: boolean, places: Map<number, number[]>): void {
  const tag = view.getUint16(entry, little);
  const size = view.getUint16(entry + 2, little) === 3 ? 2 : 4;
  const count = Math.min(view.getUint32(entry + 4, little), 2 ** 16);
  const at = count * size <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
  if (!stripTags.has(tag) || at + count * size > bytes.length) return;
  places.set(tag, Array.from({ length: count }, (_, index) => (size === 2 ? view.getUint16(at + index * 2, little) : view.getUint32(at + index * 4, little))));
}

function walkAvif(walker: Walker): void {
  while (walker.offset < walker.bytes.length) {
    const at = walker.take(8, "the header of a box");
    const length = walker.view.getUint32(at);
    const name = walker.tag(at + 4);
    if (length === 0) return;
    const size = length === 1 ? Number(walker.view.getBigUint64(walker.take(8, "the header of a box"))) : length;
    if (size < walker.offset - at) walker.fail(`the box ${name} cannot have ${size} bytes`, at);
    walker.take(size - (walker.offset - at), `the box ${name}`);
  }
}
