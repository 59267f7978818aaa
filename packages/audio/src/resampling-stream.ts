import { ResamplingFilter } from "./resampling-filter.ts";
import { weightedSum } from "./resample.ts";

/** Samples that are given out at a time: a few milliseconds of work. */
const PIECE = 4096;

/** Resamples a sound that comes bit by bit, with the values that `resample` gives for the whole. It keeps as much as the filter is long. */
export class ResamplingStream {
  readonly #filter: ResamplingFilter;
  readonly #scratch: Float32Array;
  readonly #ratio: number;
  /** What may still be needed of the input, and the place of its first sample. */
  #held = new Float32Array(0);
  #offset = 0;
  #made = 0;

  /** Both rates are integers from 1,000 to 192,000 Hz. */
  constructor(from: number, to: number) {
    this.#filter = new ResamplingFilter(from, to);
    this.#scratch = new Float32Array(this.#filter.length);
    this.#ratio = to / from;
  }

  /** Takes more of the input and gives out what is certain now. */
  *push(samples: Float32Array): Generator<Float32Array, void, undefined> {
    const begin = Math.min(Math.max(this.#filter.first(this.#made) - this.#offset, 0), this.#held.length);
    const held = new Float32Array(this.#held.length - begin + samples.length);
    held.set(this.#held.subarray(begin));
    held.set(samples, this.#held.length - begin);
    this.#held = held;
    this.#offset += begin;
    const { phases, advance, length } = this.#filter;
    // The last output sample whose taps all lie in the input so far.
    const last = this.#offset + held.length - length + (length - 1) / 2;
    if (last >= 0) yield* this.#make(Math.floor(((last + 1) * phases - 1) / advance) + 1);
  }

  /** Gives out the rest: after the input is silence. */
  *end(): Generator<Float32Array, void, undefined> {
    yield* this.#make(Math.ceil((this.#offset + this.#held.length) * this.#ratio));
  }

  *#make(until: number): Generator<Float32Array, void, undefined> {
    while (this.#made < until) {
      const out = new Float32Array(Math.min(PIECE, until - this.#made));
      for (let index = 0; index < out.length; index++, this.#made++) {
        out[index] = weightedSum(this.#held, this.#filter.first(this.#made) - this.#offset, this.#filter.taps(this.#made, this.#scratch));
      }
      yield out;
    }
  }
}
