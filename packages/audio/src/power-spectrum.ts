/**
 * Power spectrum of real frames whose length N is a multiple of 4, 400 for instance, in float64 by table.
 *
 * X(k) = Σ x(n) e^(-2πikn/N). The symmetries of cosine and sine about N/2 and N/4 fold a frame to a quarter before the products:
 * for even k and odd k apart, so that each bin costs N/2 multiplications and N = 400 needs no transform of mixed radix.
 */
export class PowerSpectrum {
  readonly #size: number;
  readonly #window: Float64Array;
  /** `[bins, N/4 + 1]`. */
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  /** The folded frame, for even and for odd k: what multiplies the cosines and what multiplies the sines. */
  readonly #folded: readonly [evenCosine: Float64Array, evenSine: Float64Array, oddCosine: Float64Array, oddSine: Float64Array];

  /** `window` gives the weight of each sample and, by its length, N. */
  constructor(window: Float64Array) {
    const size = window.length;
    const terms = size / 4 + 1;
    this.#size = size;
    this.#window = window;
    const angles = Float64Array.from({ length: (size / 2 + 1) * terms }, (_, index) => {
      const product = Math.floor(index / terms) * (index % terms);
      return (2 * Math.PI * (product % size)) / size;
    });
    this.#cosines = angles.map(Math.cos);
    this.#sines = angles.map(Math.sin);
    this.#folded = [new Float64Array(terms), new Float64Array(terms), new Float64Array(terms), new Float64Array(terms)];
  }

  /** Writes |X(k)|² for k = 0 … N/2 into `power`. */
  compute(frame: Float32Array | Float64Array, power: Float64Array): void {
    this.#fold(frame);
    const [evenCosine, evenSine, oddCosine, oddSine] = this.#folded;
    const cosines = this.#cosines;
    const sines = this.#sines;
    const terms = evenCosine.length;
    for (let bin = 0; bin <= this.#size / 2; bin++) {
      const cosinePart = bin % 2 === 0 ? evenCosine : oddCosine;
      const sinePart = bin % 2 === 0 ? evenSine : oddSine;
      let real = 0;
      let imaginary = 0;
      for (let term = 0, at = bin * terms; term < terms; term++, at++) {
        real += cosinePart[term]! * cosines[at]!;
        imaginary += sinePart[term]! * sines[at]!;
      }
      power[bin] = real * real + imaginary * imaginary;
    }
  }

  #fold(frame: Float32Array | Float64Array): void {
    const size = this.#size;
    const window = this.#window;
    const [evenCosine, evenSine, oddCosine, oddSine] = this.#folded;
    const quarter = size / 4;
    for (let n = 0; n <= quarter; n++) {
      const mirror = size / 2 - n;
      const a = frame[n]! * window[n]!;
      const b = frame[mirror]! * window[mirror]!;
      // Samples 0 and N/2 are their own mirrors; so is, of the second fold, the sample N/4.
      const c = n === 0 ? 0 : frame[size - n]! * window[size - n]!;
      const d = n === 0 ? 0 : frame[size - mirror]! * window[size - mirror]!;
      const last = n === quarter;
      evenCosine[n] = last ? a + c : a + c + (b + d);
      oddCosine[n] = last ? 0 : a + c - (b + d);
      evenSine[n] = last ? 0 : a - c - (b - d);
      oddSine[n] = last ? a - c : a - c + (b - d);
    }
  }
}
