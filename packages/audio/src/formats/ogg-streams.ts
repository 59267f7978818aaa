import type { MediaBytes, TimeSlices } from "@polywen/cross-modal";
import { InvalidFileError, LimitExceededError } from "@polywen/tensor";
import { PacketJoiner, rawPages, type OggPage, type RawPage } from "./ogg-pages.ts";
import { unsupportedFormat } from "./sound-format.ts";

/** A stream of sound in an Ogg file. */
export interface OggStream {
  readonly codec: "Vorbis" | "Opus";
  readonly serial: number;
  /** The first packet: the codec's identification header. */
  readonly head: Uint8Array;
  /** Its pages, the first among them. They must be read to the end before the next stream is asked for. */
  readonly pages: AsyncGenerator<OggPage, void, undefined>;
}

/** Streams one after the other: the songs of some hours of radio. Each costs a decoder, which takes milliseconds to set up. */
const MAX_CHAIN = 64;
/** Streams side by side: pictures, languages, texts. */
const MAX_PARALLEL = 64;

/**
 * The streams of sound that follow each other in an Ogg file. Of streams side by side, the first that holds sound is read and the others
 * are skipped. Throws InvalidFileError for what is no page, for pages without a beginning, and for a stream that ends before its last
 * page; UnsupportedError where no stream holds sound that is decoded; LimitExceededError for more than 64 streams in a row or side by
 * side; AbortedError.
 */
export class OggReader {
  readonly #file: string;
  readonly #slices: TimeSlices;
  readonly #raw: Generator<RawPage, undefined, undefined>;
  #page: RawPage | undefined;
  #count = 0;

  constructor(medium: MediaBytes, slices: TimeSlices) {
    this.#file = medium.name;
    this.#slices = slices;
    this.#raw = rawPages(medium);
    this.#page = this.#raw.next().value;
  }

  /** The next stream, or undefined after the last. */
  async next(): Promise<OggStream | undefined> {
    if (this.#slices.over) await this.#slices.next();
    const start = this.#page;
    if (start === undefined && this.#count > 0) return undefined;
    if (start?.first !== true) throw new InvalidFileError({ file: this.#file, problem: "the first page of a stream is missing", offset: start?.offset ?? 0 });
    if (++this.#count > MAX_CHAIN) throw new LimitExceededError({ what: "The number of streams one after the other", limit: MAX_CHAIN, received: this.#count, file: this.#file });
    const heads: RawPage[] = [];
    while (this.#page?.first === true) {
      heads.push(this.#page);
      if (heads.length > MAX_PARALLEL) throw new LimitExceededError({ what: "The number of streams side by side", limit: MAX_PARALLEL, received: heads.length, file: this.#file });
      this.#advance();
      // A stream may be a single page; what begins after its end is the next one.
      if (heads.every(({ last }) => last)) break;
    }
    for (const head of heads) {
      const codec = codecOf(head);
      if (codec === "Vorbis" || codec === "Opus") return { codec, serial: head.serial, head: head.bytes.subarray(head.body), pages: this.#pages(head) };
    }
    throw unsupportedFormat(this.#file, `Ogg ${heads.map(codecOf).find((codec) => codec !== undefined) ?? "with another codec"}`);
  }

  async *#pages(head: RawPage): AsyncGenerator<OggPage, void, undefined> {
    const joiner = new PacketJoiner();
    yield joiner.join(head, this.#file);
    let ended = head.last;
    for (; this.#page !== undefined && !this.#page.first; this.#advance()) {
      if (this.#slices.over) await this.#slices.next();
      if (this.#page.serial !== head.serial) continue;
      if (ended) throw new InvalidFileError({ file: this.#file, problem: "a page follows the last one of its stream", offset: this.#page.offset });
      ended = this.#page.last;
      yield joiner.join(this.#page, this.#file);
    }
    if (!ended) throw new InvalidFileError({ file: this.#file, problem: "the file ends before the last page of its stream", ...(this.#page === undefined ? {} : { offset: this.#page.offset }) });
  }

  #advance(): void {
    this.#page = this.#raw.next().value;
  }
}

const codecs: readonly (readonly [start: RegExp, codec: string])[] = [
  [/^OpusHead/, "Opus"],
  [/^\x01vorbis/, "Vorbis"],
  [/^\x7fFLAC/, "FLAC"],
  [/^Speex {3}/, "Speex"],
];

function codecOf({ bytes, body }: RawPage): string | undefined {
  const start = Buffer.from(bytes.subarray(body, body + 8)).toString("latin1");
  return codecs.find(([pattern]) => pattern.test(start))?.[1];
}
