import type { MediaBytes } from "@polywen/cross-modal";
import { InvalidFileError } from "@polywen/tensor";

/** A page of an Ogg file, with its packets not yet put together. */
export interface RawPage {
  /** The whole page. */
  readonly bytes: Uint8Array;
  /** The stream that it belongs to. */
  readonly serial: number;
  /** True for the first and for the last page of a stream. */
  readonly first: boolean;
  readonly last: boolean;
  /** Samples up to the last packet that ends in it, as the file counts them; negative where none does. */
  readonly granule: bigint;
  /** Lengths of its segments, and where the first of them begins in the page. */
  readonly segments: Uint8Array;
  readonly body: number;
  /** Where it begins in the file. */
  readonly offset: number;
}

/** A page of one stream. */
export interface OggPage extends RawPage {
  /** Packets that end in it. */
  readonly packets: readonly Uint8Array[];
}

const HEADER_BYTES = 27;
/** Codecs write packets of a few kilobytes, tables of up to a few hundred; pictures may come in comments. */
const MAX_PACKET_BYTES: number = 2 ** 24;

/** Cuts an Ogg file into pages, from `offset` on. Throws InvalidFileError for what is no page and for a file that ends within one. */
export function* rawPages({ bytes, name: file }: MediaBytes, offset = 0): Generator<RawPage, undefined, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = offset; at < bytes.length; ) {
    const segments = requirePage(view, at, file);
    const body = HEADER_BYTES + segments.length;
    let end = at + body;
    for (const length of segments) end += length;
    if (end > bytes.length) throw new InvalidFileError({ file, problem: "the file ends within an Ogg page", offset: at });
    const flags = bytes[at + 5]!;
    yield {
      bytes: bytes.subarray(at, end),
      serial: view.getUint32(at + 14, true),
      first: (flags & 2) !== 0,
      last: (flags & 4) !== 0,
      granule: view.getBigInt64(at + 6, true),
      segments,
      body,
      offset: at,
    };
    at = end;
  }
}

/** Puts the packets of a stream together, page after page. Throws InvalidFileError for a packet that is too large. */
export class PacketJoiner {
  #open: Uint8Array[] = [];

  join(page: RawPage, file: string): OggPage {
    const packets: Uint8Array[] = [];
    let [from, to] = [page.body, page.body];
    for (const length of page.segments) {
      to += length;
      if (length === 255) continue;
      packets.push(joined([...this.#open, page.bytes.subarray(from, to)], file, page.offset));
      this.#open = [];
      from = to;
    }
    if (from < to) this.#open.push(page.bytes.subarray(from, to));
    return { ...page, packets };
  }
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
