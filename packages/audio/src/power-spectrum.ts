import { FourierTransform } from "./fourier-transform.ts";

/**
 * Power spectrum of real frames of even length N, 400 for instance, in float64: even samples are taken for real and odd ones for imaginary
 * parts, which makes one complex transform of N/2 do.
 */
export class PowerSpectrum {
  readonly #window: Float64Array;
  readonly #transform: FourierTransform;
  readonly #real: Float64Array;
  readonly #imaginary: Float64Array;
  /** Cosine and sine of 2πk/N for k = 0 … N/2. */
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;

  /** `window` gives the weight of each sample and, by its length, N. */
  constructor(window: Float64Array) {
    const half = window.length / 2;
    this.#window = window;
    this.#transform = new FourierTransform(half);
    this.#real = new Float64Array(half);
    this.#imaginary = new Float64Array(half);
    this.#cosines = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((Math.PI * k) / half));
    this.#sines = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((Math.PI * k) / half));
  }

  /** Writes |X(k)|² for k = 0 … N/2 into `power`, where X(k) = Σ x(n) e^(-2πikn/N). */
  compute(frame: Float32Array | Float64Array, power: Float64Array): void {
    const window = this.#window;
    const half = window.length / 2;
    for (let n = 0; n < half; n++) {
      this.#real[n] = frame[2 * n]! * window[2 * n]!;
      this.#imaginary[n] = frame[2 * n + 1]! * window[2 * n + 1]!;
    }
    const { real, imaginary } = this.#transform.run(this.#real, this.#imaginary);
    for (let k = 0; k <= half; k++) {
      const [at, mirror] = [k === half ? 0 : k, k === 0 ? 0 : half - k];
      // The spectra of the even and of the odd samples, by the symmetry of real signals.
      const evenReal = (real[at]! + real[mirror]!) / 2;
      const evenImaginary = (imaginary[at]! - imaginary[mirror]!) / 2;
      const oddReal = (imaginary[at]! + imaginary[mirror]!) / 2;
      const oddImaginary = (real[mirror]! - real[at]!) / 2;
      const [cosine, sine] = [this.#cosines[k]!, this.#sines[k]!];
      const re = evenReal + oddReal * cosine + oddImaginary * sine;
      const im = evenImaginary + oddImaginary * cosine - oddReal * sine;
      power[k] = re * re + im * im;
    }
  }
}
