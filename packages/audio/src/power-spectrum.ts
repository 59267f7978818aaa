import type { ComplexSignal } from "./fourier-passes.ts";
import { FourierTransform } from "./fourier-transform.ts";

/**
 * Power spectrum of real frames of even length N, 400 for instance, in float64: even samples are taken for real and odd ones for imaginary
 * parts, which makes one complex transform of N/2 do.
 */
export class PowerSpectrum {
  readonly #window: Float64Array;
  readonly #transform: FourierTransform;
  readonly #pairs: ComplexSignal;
  /** Cosine and sine of 2πk/N for k = 0 … N/4. */
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;

  /** `window` gives the weight of each sample and, by its length, N. */
  constructor(window: Float64Array) {
    const half = window.length / 2;
    this.#window = window;
    this.#transform = new FourierTransform(half);
    this.#pairs = { real: new Float64Array(half), imaginary: new Float64Array(half) };
    this.#cosines = Float64Array.from({ length: Math.floor(half / 2) + 1 }, (_, k) => Math.cos((Math.PI * k) / half));
    this.#sines = Float64Array.from({ length: Math.floor(half / 2) + 1 }, (_, k) => Math.sin((Math.PI * k) / half));
  }

  /** Writes |X(k)|² for k = 0 … N/2 into `power`, where X(k) = Σ x(n) e^(-2πikn/N) over the N samples from `at` on. */
  compute(samples: Float32Array | Float64Array, at: number, power: Float64Array): void {
    const window = this.#window;
    const half = window.length / 2;
    for (let n = 0; n < half; n++) {
      this.#pairs.real[n] = samples[at + 2 * n]! * window[2 * n]!;
      this.#pairs.imaginary[n] = samples[at + 2 * n + 1]! * window[2 * n + 1]!;
    }
    const { real, imaginary } = this.#transform.run(this.#pairs);
    const cosines = this.#cosines;
    const sines = this.#sines;
    for (let k = 0; k < cosines.length; k++) {
      const mirror = k === 0 ? 0 : half - k;
      // The spectra of the even and of the odd samples, by the symmetry of real signals. Those at N/2 - k are conjugate to them.
      const evenReal = (real[k]! + real[mirror]!) / 2;
      const evenImaginary = (imaginary[k]! - imaginary[mirror]!) / 2;
      const oddReal = (imaginary[k]! + imaginary[mirror]!) / 2;
      const oddImaginary = (real[mirror]! - real[k]!) / 2;
      const turnedReal = oddReal * cosines[k]! + oddImaginary * sines[k]!;
      const turnedImaginary = oddImaginary * cosines[k]! - oddReal * sines[k]!;
      power[k] = (evenReal + turnedReal) ** 2 + (evenImaginary + turnedImaginary) ** 2;
      power[half - k] = (evenReal - turnedReal) ** 2 + (turnedImaginary - evenImaginary) ** 2;
    }
  }
}
