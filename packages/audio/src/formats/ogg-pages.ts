import type { MediaBytes } from "@polywen/cross-modal";
import { InvalidFileError, UnsupportedError } from "@polywen/tensor";

/** A page of an Ogg file with one stream. */
export interface OggPage {
  /** The whole page. */
  readonly bytes: Uint8Array;
  /** Packets that end in it. */
  readonly packets: readonly Uint8Array[];
  /** Samples up to the last packet that ends in it, as the file counts them; negative where none does. */
  readonly granule: bigint;
  readonly last: boolean;
  readonly offset: number;
}

const HEADER_BYTES = 27;
/** Codecs write packets of a few kilobytes, tables of up to a few hundred; pictures may come in comments. */
const MAX_PACKET_BYTES: number = 2 ** 24;

/**
 * Cuts an Ogg file into pages, one at a time. Throws InvalidFileError for what is no page and for a file that ends before its last
 * page, and UnsupportedError for several streams in one file, side by side or one after the other.
 */
export function* oggPages({ bytes, name: file }: MediaBytes): Generator<OggPage, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let serial: number | undefined;
  let open: Uint8Array[] = [];
  let ended = false;
  for (let at = 0; at < bytes.length; ) {
    const segments = requirePage(view, at, file);
    serial ??= view.getUint32(at + 14);
    if (ended || view.getUint32(at + 14) !== serial) throw new UnsupportedError({ feature: `${file}: several streams in one Ogg file`, supported: ["one stream"] });
    const begin = at + HEADER_BYTES + segments.length;
    const end = begin + segments.reduce((sum, length) => sum + length, 0);
    if (end > bytes.length) throw new InvalidFileError({ file, problem: "the file ends within an Ogg page", offset: at });
    const packets: Uint8Array[] = [];
    let [from, to] = [begin, begin];
    for (const length of segments) {
      to += length;
      if (length === 255) continue;
      packets.push(joined([...open, bytes.subarray(from, to)], file, at));
      open = [];
      from = to;
    }
    if (from < to) open.push(bytes.subarray(from, to));
    ended = (bytes[at + 5]! & 4) !== 0;
    yield { bytes: bytes.subarray(at, end), packets, granule: view.getBigInt64(at + 6, true), last: ended, offset: at };
    at = end;
  }
  if (!ended) throw new InvalidFileError({ file, problem: "the file ends before the last page of its stream", offset: bytes.length });
}

/** The count on the last page of a file: how long its stream says it is, on the clock of its codec. 0 where it says nothing of use. */
export function lastGranule(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = buffer.lastIndexOf("OggS");
  const granule = at >= 0 && at + 14 <= buffer.length ? Number(buffer.readBigInt64LE(at + 6)) : 0;
  return Number.isSafeInteger(granule) ? Math.max(granule, 0) : 0;
}

/** The lengths of a page's segments. */
function requirePage(view: DataView, at: number, file: string): Uint8Array {
  const count = at + HEADER_BYTES <= view.byteLength ? view.getUint8(at + 26) : -1;
  if (count < 0 || view.getUint32(at) !== 0x4f676753 || view.getUint8(at + 4) !== 0 || at + HEADER_BYTES + count > view.byteLength) {
    throw new InvalidFileError({ file, problem: "an Ogg page is expected", offset: at });
  }
  return new Uint8Array(view.buffer, view.byteOffset + at + HEADER_BYTES, count);
}

function joined(parts: readonly Uint8Array[], file: string, offset: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  if (parts.reduce((sum, { length }) => sum + length, 0) > MAX_PACKET_BYTES) throw new InvalidFileError({ file, problem: `an Ogg packet of more than ${MAX_PACKET_BYTES} bytes`, offset });
  return Buffer.concat(parts);
}
