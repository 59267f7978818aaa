/** Half the length of the filter, in samples of the lower rate. */
const HALF_LENGTH = 97;
/** Where the response is halved, as a share of the lower rate's bandwidth: the middle between 91.4 % and 100 %. */
const CUTOFF = 0.95687;
/** Kaiser's β for about 126 dB. */
const BETA = 13.04;
const RESOLUTION = 2048;
/** Taps that are kept for all phases; with more, the phases are computed as they come. */
const MAX_TABLE: number = 2 ** 20;

/**
 * A low-pass filter that turns one sample rate into another: the window of Kaiser on a sinc, cut into the phases that occur. Its pass
 * band, stop band and attenuation are those of the quality "HQ" of soxr, with which librosa and so transformers resample.
 */
export class ResamplingFilter {
  /** Output samples until the phases repeat, and input samples in that time. */
  readonly phases: number;
  readonly advance: number;
  /** Taps of one phase; the middle one lies on the input sample before the output sample or on it. */
  readonly length: number;
  readonly #table: Float32Array | undefined;
  /** The lower rate divided by that of the input. */
  readonly #ratio: number;

  /** Both rates are positive integers. */
  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.phases = to / divisor;
    this.advance = from / divisor;
    this.#ratio = Math.min(1, to / from);
    this.length = 2 * Math.ceil(HALF_LENGTH / this.#ratio) + 1;
    if (this.phases * this.length > MAX_TABLE) return;
    this.#table = new Float32Array(this.phases * this.length);
    for (let phase = 0; phase < this.phases; phase++) this.#fill(phase, this.#table.subarray(phase * this.length, (phase + 1) * this.length));
  }

  /** The input sample that the first tap of output sample `index` meets; negative where that is before the sound. */
  first(index: number): number {
    return Math.floor((index * this.advance) / this.phases) - (this.length - 1) / 2;
  }

  /** The taps of output sample `index`, first input sample first; valid until the next call. */
  taps(index: number, scratch: Float32Array): Float32Array {
    const phase = index % this.phases;
    if (this.#table !== undefined) return this.#table.subarray(phase * this.length, (phase + 1) * this.length);
    this.#fill(phase, scratch);
    return scratch;
  }

  #fill(phase: number, taps: Float32Array): void {
    const fraction = ((phase * this.advance) % this.phases) / this.phases;
    const middle = (this.length - 1) / 2;
    const response = (kept ??= sampledResponse());
    for (let tap = 0; tap < taps.length; tap++) {
      const place = Math.abs(fraction + middle - tap) * this.#ratio * RESOLUTION;
      const below = Math.min(Math.floor(place), response.length - 2);
      const [value, next] = [response[below]!, response[below + 1]!];
      taps[tap] = this.#ratio * (value + (next - value) * Math.min(place - below, 1));
    }
  }
}

/** The filter for equal rates, from its middle to its end, `RESOLUTION` values for a sample: between two of them it is a line, to 1e-7. */
function sampledResponse(): Float64Array {
  const scale = besselI0(BETA);
  return Float64Array.from({ length: HALF_LENGTH * RESOLUTION + 2 }, (_, index) => {
    const distance = index / RESOLUTION;
    if (distance >= HALF_LENGTH) return 0;
    const angle = Math.PI * CUTOFF * distance;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    return (CUTOFF * sinc * besselI0(BETA * Math.sqrt(1 - (distance / HALF_LENGTH) ** 2))) / scale;
  });
}

let kept: Float64Array | undefined;

/** The modified Bessel function of order 0, by its power series. */
function besselI0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
