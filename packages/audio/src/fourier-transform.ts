/** A complex signal, real and imaginary parts apart. */
export interface ComplexSignal {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/** One pass of the transform: it splits by `radix`, with `length` values left to transform in each of `stride` interleaved parts. */
interface Pass {
  readonly radix: number;
  readonly length: number;
  readonly stride: number;
  /** e^(-2πi·p·k/length) at [p × radix + k], the weights after the butterfly. */
  readonly weights: ComplexSignal;
}

/**
 * The discrete Fourier transform of complex signals of any length whose factors are small, 200 = 4 · 2 · 5 · 5 for instance: Stockham's
 * passes, which need no reordering, with tables.
 */
export class FourierTransform {
  readonly #passes: readonly Pass[];
  readonly #first: ComplexSignal;
  readonly #second: ComplexSignal;
  /** e^(-2πi·j·k/radix) at [j × radix + k], for each radix that occurs. */
  readonly #roots = new Map<number, ComplexSignal>();

  constructor(length: number) {
    const passes: Pass[] = [];
    for (let [left, stride] = [length, 1]; left > 1; ) {
      const radix = smallFactor(left);
      const weights = roots(radix * (left / radix), (index) => (Math.floor(index / radix) * (index % radix)) / left);
      passes.push({ radix, length: left, stride, weights });
      if (!this.#roots.has(radix)) this.#roots.set(radix, roots(radix * radix, (index) => (Math.floor(index / radix) * (index % radix)) / radix));
      left /= radix;
      stride *= radix;
    }
    this.#passes = passes;
    this.#first = { real: new Float64Array(length), imaginary: new Float64Array(length) };
    this.#second = { real: new Float64Array(length), imaginary: new Float64Array(length) };
  }

  /** X(k) = Σ x(n) e^(-2πikn/N); valid until the next call. */
  run(real: Float64Array, imaginary: Float64Array): ComplexSignal {
    let [from, to, spare] = [{ real, imaginary } as ComplexSignal, this.#first, this.#second];
    for (const pass of this.#passes) {
      const { radix, length, stride, weights } = pass;
      const parts = length / radix;
      for (let part = 0; part < parts; part++) {
        for (let lane = 0; lane < stride; lane++) {
          butterfly(from, to, lane + stride * part, stride * parts, lane + stride * radix * part, stride, radix, weights, part * radix, this.#roots.get(radix)!);
        }
      }
      [from, to, spare] = [to, spare, to];
    }
    return from;
  }
}

/** Sums `radix` values with the roots of unity and turns each sum by its weight. */
function butterfly(from: ComplexSignal, to: ComplexSignal, source: number, step: number, target: number, stride: number, radix: number, weights: ComplexSignal, weight: number, unit: ComplexSignal): void {
  for (let k = 0; k < radix; k++) {
    let [re, im] = [0, 0];
    for (let j = 0, at = source; j < radix; j++, at += step) {
      const [cosine, sine] = [unit.real[j * radix + k]!, unit.imaginary[j * radix + k]!];
      re += from.real[at]! * cosine - from.imaginary[at]! * sine;
      im += from.real[at]! * sine + from.imaginary[at]! * cosine;
    }
    const [cosine, sine] = [weights.real[weight + k]!, weights.imaginary[weight + k]!];
    to.real[target + k * stride] = re * cosine - im * sine;
    to.imaginary[target + k * stride] = re * sine + im * cosine;
  }
}

/** Values e^(-2πi·turns(index)). */
function roots(count: number, turns: (index: number) => number): ComplexSignal {
  const angles = Float64Array.from({ length: count }, (_, index) => -2 * Math.PI * turns(index));
  return { real: angles.map(Math.cos), imaginary: angles.map(Math.sin) };
}

function smallFactor(length: number): number {
  for (let factor = 2; factor * factor <= length; factor++) if (length % factor === 0) return factor === 2 && length % 4 === 0 ? 4 : factor;
  return length;
}
