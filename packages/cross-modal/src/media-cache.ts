import { createHash } from "node:crypto";
import { IndexPool } from "@polywen/kv-cache";
import { InvalidArgumentError, type Resource } from "@polywen/tensor";
import type { PreparedMedium } from "./encoder.ts";
import { TimeSlices, untilAborted } from "./time-slices.ts";
import { requireCapacity, WaitingLine } from "./waiting-pool.ts";

/** Options of a cache of media. */
export interface MediaCacheOptions {
  /** Rows of media that nobody uses which are kept at most. Default: as many as there is room for. 0 keeps none. */
  readonly idleRows?: number | undefined;
}

/** A medium that somebody needs in media rows. */
export interface WantedMedium {
  /** Same key, same rows: see `mediaKey`. Absent: encoded for this one alone. */
  readonly key?: string | undefined;
  readonly rows: number;
  /** Encodes it into the given slots. */
  readonly encode: (slots: readonly number[], signal: AbortSignal) => Promise<void>;
}

/** Media in media rows, until `release`. */
export interface HeldMedia {
  /** Slots of the rows of each medium that was wanted. */
  readonly slots: readonly (readonly number[])[];
  /** How many of them were there already, or on their way for somebody else. */
  readonly hits: number;
  release(): void;
}

/** What a cache holds and has done. */
export interface MediaCacheInfo {
  /** Media that are held, in use or not, and their rows. */
  readonly media: number;
  readonly rows: number;
  /** Rows that there is room for. */
  readonly capacity: number;
  /** Media that were found, and those that had to be encoded. */
  readonly hits: number;
  readonly misses: number;
}

interface Entry {
  readonly key: string | undefined;
  readonly slots: readonly number[];
  /** Stops the encoder when nobody waits for it any more. */
  readonly abandoned: AbortController;
  /** Settles with the encoder. */
  ready: Promise<void>;
  encoded: boolean;
  users: number;
}

/**
 * The media rows of a model: who uses which of them, and which encoded media are kept for those who ask for the same again.
 * Requests that run at the same time share rows. What was used least recently goes first when room is needed; whoever finds
 * too little waits for its turn, holding nothing.
 */
export class MediaCache {
  /** f32 [capacity, hidden size], one for each level that the text model reads. */
  readonly resources: readonly Resource[];
  readonly #pool: IndexPool;
  readonly #line = new WaitingLine();
  readonly #idleRows: number;
  /** By key; those used last come last. */
  readonly #entries = new Map<string, Entry>();
  #hits = 0;
  #misses = 0;

  constructor(resources: readonly Resource[], options: MediaCacheOptions = {}) {
    this.resources = resources;
    this.#pool = new IndexPool(resources[0]!.spec.shape[0]!, "media rows");
    this.#idleRows = options.idleRows ?? this.#pool.capacity;
    if (!(Number.isSafeInteger(this.#idleRows) && this.#idleRows >= 0)) throw new InvalidArgumentError({ argument: "mediaCacheRows", expected: "a non-negative integer", received: options.idleRows });
  }

  /** What it holds and has done. */
  get info(): MediaCacheInfo {
    const { capacity, free } = this.#pool;
    return { media: this.#entries.size, rows: capacity - free, capacity, hits: this.#hits, misses: this.#misses };
  }

  /**
   * Takes rows for all media of a prompt at once, encodes those that are new, and resolves when all are there. Rejects with
   * `OutOfMemoryError` if there never will be as many rows, with `AbortedError`, and with what an encoder fails with.
   */
  async hold(wanted: readonly WantedMedium[], signal?: AbortSignal): Promise<HeldMedia> {
    requireCapacity(newRows(wanted), this.#pool.capacity, "media rows");
    const { entries, hits } = await this.#line.wait(() => this.#take(wanted), { what: "media rows", signal });
    const release = (): void => entries.forEach((entry) => this.#leave(entry));
    try {
      for (const { ready } of entries) await untilAborted(ready, signal, "Encoding of media");
    } catch (error) {
      release();
      throw error;
    }
    return { slots: entries.map(({ slots }) => slots), hits, release };
  }

  /** All entries of a prompt, or nothing if there is no room for them now. */
  #take(wanted: readonly WantedMedium[]): { readonly entries: readonly Entry[]; readonly hits: number } | undefined {
    const kept = new Set(wanted.flatMap(({ key }) => (key === undefined ? [] : [key])));
    const fresh = wanted.filter(({ key }, index) => key === undefined || (!this.#entries.has(key) && wanted.findIndex((other) => other.key === key) === index));
    if (!this.#makeRoom(newRows(fresh), kept)) return undefined;
    const entries = wanted.map((medium) => this.#enter(medium));
    const hits = wanted.length - fresh.length;
    this.#hits += hits;
    this.#misses += fresh.length;
    return { entries, hits };
  }

  /** Lets go of media that nobody uses until `rows` are free; nothing, if that would not do. */
  #makeRoom(rows: number, kept: ReadonlySet<string>): boolean {
    const idle = [...this.#entries.values()].filter(({ users, key }) => users === 0 && !kept.has(key!));
    if (this.#pool.free + idle.reduce((sum, { slots }) => sum + slots.length, 0) < rows) return false;
    for (const entry of idle) {
      if (this.#pool.free >= rows) break;
      this.#drop(entry);
    }
    return true;
  }

  #enter({ key, rows, encode }: WantedMedium): Entry {
    const known = key === undefined ? undefined : this.#entries.get(key);
    if (known !== undefined) {
      known.users++;
      return known;
    }
    const entry: Entry = { key, slots: this.#pool.take(rows), abandoned: new AbortController(), ready: Promise.resolve(), encoded: false, users: 1 };
    if (key !== undefined) this.#entries.set(key, entry);
    entry.ready = encode(entry.slots, entry.abandoned.signal).then(() => void (entry.encoded = true));
    // Those who wait for it learn of a failure, those who come later try again.
    entry.ready.catch(() => key !== undefined && this.#entries.get(key) === entry && this.#entries.delete(key));
    return entry;
  }

  #leave(entry: Entry): void {
    if (--entry.users > 0) return;
    if (entry.encoded && entry.key !== undefined && this.#entries.get(entry.key) === entry) {
      this.#entries.delete(entry.key);
      this.#entries.set(entry.key, entry);
      this.#trim();
      this.#line.serve();
      return;
    }
    // An encoder that is still at work may write: its rows are free when it has ended.
    if (entry.key !== undefined && this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    entry.abandoned.abort();
    const free = (): void => {
      this.#pool.release(entry.slots);
      this.#line.serve();
    };
    if (entry.encoded) free();
    else void entry.ready.then(free, free);
  }

  /** Keeps no more idle rows than there may be. */
  #trim(): void {
    const idle = [...this.#entries.values()].filter(({ users }) => users === 0);
    let rows = idle.reduce((sum, { slots }) => sum + slots.length, 0);
    for (const entry of idle) {
      if (rows <= this.#idleRows) return;
      rows -= entry.slots.length;
      this.#drop(entry);
    }
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key!);
    this.#pool.release(entry.slots);
  }
}

/** Rows of media that are not the same. */
function newRows(wanted: readonly WantedMedium[]): number {
  const seen = new Set<string>();
  return wanted.reduce((sum, { key, rows }) => {
    if (key !== undefined && seen.has(key)) return sum;
    if (key !== undefined) seen.add(key);
    return sum + rows;
  }, 0);
}

/** Bytes that are hashed without a pause. */
const HASH_BYTES = 2 ** 22;

/** A key for what an encoder makes of a medium: a hash of its modality and of everything that its program reads, so content and preprocessing. */
export async function mediaKey(modality: string, { sizes, inputs }: PreparedMedium, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const slices = new TimeSlices("Hashing a medium", signal);
  hash.update(JSON.stringify([modality, Object.entries(sizes).sort()]));
  for (const [name, values] of Object.entries(inputs).sort(([left], [right]) => (left < right ? -1 : 1))) {
    hash.update(JSON.stringify([name, values.constructor.name, values.length]));
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let first = 0; first < bytes.length; first += HASH_BYTES) {
      hash.update(bytes.subarray(first, first + HASH_BYTES));
      if (slices.over) await slices.next();
    }
  }
  return hash.digest("hex");
}
