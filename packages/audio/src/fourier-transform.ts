import { generalPass, passOfFive, passOfFour, passOfTwo, roots, type ComplexSignal, type Pass } from "./fourier-passes.ts";

/**
 * The discrete Fourier transform of complex signals of any length whose factors are small, 200 = 4 · 2 · 5 · 5 for instance: Stockham's
 * passes, which need no reordering, with tables.
 */
export class FourierTransform {
  readonly #passes: readonly Pass[];
  readonly #first: ComplexSignal;
  readonly #second: ComplexSignal;

  constructor(length: number) {
    const passes: Pass[] = [];
    for (let [left, stride] = [length, 1]; left > 1; ) {
      const radix = smallFactor(left);
      const parts = left / radix;
      passes.push({ radix, parts, stride, weights: roots(parts, radix, left), roots: roots(radix, radix, radix) });
      left = parts;
      stride *= radix;
    }
    this.#passes = passes;
    this.#first = { real: new Float64Array(length), imaginary: new Float64Array(length) };
    this.#second = { real: new Float64Array(length), imaginary: new Float64Array(length) };
  }

  /** X(k) = Σ x(n) e^(-2πikn/N); valid until the next call. */
  run(signal: ComplexSignal): ComplexSignal {
    let from = signal;
    let to = this.#first;
    for (const pass of this.#passes) {
      if (pass.radix === 5) passOfFive(pass, from, to);
      else if (pass.radix === 4) passOfFour(pass, from, to);
      else if (pass.radix === 2) passOfTwo(pass, from, to);
      else generalPass(pass, from, to);
      from = to;
      to = to === this.#first ? this.#second : this.#first;
    }
    return from;
  }
}

function smallFactor(length: number): number {
  for (let factor = 2; factor * factor <= length; factor++) if (length % factor === 0) return factor === 2 && length % 4 === 0 ? 4 : factor;
  return length;
}
