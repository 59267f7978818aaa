/** A complex signal, real and imaginary parts apart. */
export interface ComplexSignal {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * One pass of a Fourier transform: it splits by `radix`, with `radix × parts` values left to transform in each of `stride` interleaved
 * lanes. The j-th of the `radix` values that meet lies `j × stride × parts` after the first; sum k of a part goes to lane k of the next pass.
 */
export interface Pass {
  readonly radix: number;
  readonly parts: number;
  readonly stride: number;
  /** e^(-2πi·part·k/(radix·parts)) at [part × radix + k], the weights after the sums. */
  readonly weights: ComplexSignal;
  /** e^(-2πi·j·k/radix) at [j × radix + k]. */
  readonly roots: ComplexSignal;
}

/** e^(-2πi·row·column/size) at [row × columns + column]. */
export function roots(rows: number, columns: number, size: number): ComplexSignal {
  const angles = Float64Array.from({ length: rows * columns }, (_, index) => -2 * Math.PI * ((Math.floor(index / columns) * (index % columns)) / size));
  return { real: angles.map(Math.cos), imaginary: angles.map(Math.sin) };
}

/** A pass of any radix, from the defining sums. */
export function generalPass({ radix, parts, stride, weights, roots: unit }: Pass, from: ComplexSignal, to: ComplexSignal): void {
  for (let part = 0; part < parts; part++) {
    for (let lane = 0; lane < stride; lane++) {
      for (let k = 0; k < radix; k++) {
        let re = 0;
        let im = 0;
        for (let j = 0; j < radix; j++) {
          const at = lane + stride * (part + j * parts);
          const cosine = unit.real[j * radix + k]!;
          const sine = unit.imaginary[j * radix + k]!;
          re += from.real[at]! * cosine - from.imaginary[at]! * sine;
          im += from.real[at]! * sine + from.imaginary[at]! * cosine;
        }
        store(to, lane + stride * (radix * part + k), re, im, weights.real[part * radix + k]!, weights.imaginary[part * radix + k]!);
      }
    }
  }
}

/** The pass of radix 2. */
export function passOfTwo({ parts, stride, weights }: Pass, { real, imaginary }: ComplexSignal, to: ComplexSignal): void {
  const step = stride * parts;
  for (let part = 0, at = 0, target = 0; part < parts; part++, target += stride) {
    const cosine = weights.real[2 * part + 1]!;
    const sine = weights.imaginary[2 * part + 1]!;
    for (let lane = 0; lane < stride; lane++, at++, target++) {
      to.real[target] = real[at]! + real[at + step]!;
      to.imaginary[target] = imaginary[at]! + imaginary[at + step]!;
      store(to, target + stride, real[at]! - real[at + step]!, imaginary[at]! - imaginary[at + step]!, cosine, sine);
    }
  }
}

/** The pass of radix 4: its roots of unity are 1, -i, -1 and i, so that nothing is multiplied but by the weights. */
export function passOfFour({ parts, stride, weights }: Pass, { real, imaginary }: ComplexSignal, to: ComplexSignal): void {
  const step = stride * parts;
  for (let part = 0, at = 0, target = 0; part < parts; part++, target += 3 * stride) {
    const weight = 4 * part;
    for (let lane = 0; lane < stride; lane++, at++, target++) {
      const evenRe = real[at]! + real[at + 2 * step]!;
      const evenIm = imaginary[at]! + imaginary[at + 2 * step]!;
      const crossRe = real[at]! - real[at + 2 * step]!;
      const crossIm = imaginary[at]! - imaginary[at + 2 * step]!;
      const oddRe = real[at + step]! + real[at + 3 * step]!;
      const oddIm = imaginary[at + step]! + imaginary[at + 3 * step]!;
      const turnRe = imaginary[at + step]! - imaginary[at + 3 * step]!;
      const turnIm = real[at + 3 * step]! - real[at + step]!;
      to.real[target] = evenRe + oddRe;
      to.imaginary[target] = evenIm + oddIm;
      store(to, target + stride, crossRe + turnRe, crossIm + turnIm, weights.real[weight + 1]!, weights.imaginary[weight + 1]!);
      store(to, target + 2 * stride, evenRe - oddRe, evenIm - oddIm, weights.real[weight + 2]!, weights.imaginary[weight + 2]!);
      store(to, target + 3 * stride, crossRe - turnRe, crossIm - turnIm, weights.real[weight + 3]!, weights.imaginary[weight + 3]!);
    }
  }
}

const cosine1 = Math.cos((2 * Math.PI) / 5);
const cosine2 = Math.cos((4 * Math.PI) / 5);
const sine1 = Math.sin((2 * Math.PI) / 5);
const sine2 = Math.sin((4 * Math.PI) / 5);

/** The pass of radix 5: values 1 and 4, and 2 and 3, meet conjugate roots, so that their sums take cosines and their differences sines. */
export function passOfFive({ parts, stride, weights }: Pass, { real, imaginary }: ComplexSignal, to: ComplexSignal): void {
  const step = stride * parts;
  for (let part = 0, at = 0, target = 0; part < parts; part++, target += 4 * stride) {
    const weight = 5 * part;
    for (let lane = 0; lane < stride; lane++, at++, target++) {
      const re = real[at]!;
      const im = imaginary[at]!;
      const outerRe = real[at + step]! + real[at + 4 * step]!;
      const outerIm = imaginary[at + step]! + imaginary[at + 4 * step]!;
      const innerRe = real[at + 2 * step]! + real[at + 3 * step]!;
      const innerIm = imaginary[at + 2 * step]! + imaginary[at + 3 * step]!;
      const outerTurn = real[at + step]! - real[at + 4 * step]!;
      const outerRise = imaginary[at + step]! - imaginary[at + 4 * step]!;
      const innerTurn = real[at + 2 * step]! - real[at + 3 * step]!;
      const innerRise = imaginary[at + 2 * step]! - imaginary[at + 3 * step]!;
      const firstRe = re + outerRe * cosine1 + innerRe * cosine2;
      const firstIm = im + outerIm * cosine1 + innerIm * cosine2;
      const secondRe = re + outerRe * cosine2 + innerRe * cosine1;
      const secondIm = im + outerIm * cosine2 + innerIm * cosine1;
      const firstTurnRe = outerRise * sine1 + innerRise * sine2;
      const firstTurnIm = outerTurn * sine1 + innerTurn * sine2;
      const secondTurnRe = outerRise * sine2 - innerRise * sine1;
      const secondTurnIm = outerTurn * sine2 - innerTurn * sine1;
      to.real[target] = re + outerRe + innerRe;
      to.imaginary[target] = im + outerIm + innerIm;
      store(to, target + stride, firstRe + firstTurnRe, firstIm - firstTurnIm, weights.real[weight + 1]!, weights.imaginary[weight + 1]!);
      store(to, target + 2 * stride, secondRe + secondTurnRe, secondIm - secondTurnIm, weights.real[weight + 2]!, weights.imaginary[weight + 2]!);
      store(to, target + 3 * stride, secondRe - secondTurnRe, secondIm + secondTurnIm, weights.real[weight + 3]!, weights.imaginary[weight + 3]!);
      store(to, target + 4 * stride, firstRe - firstTurnRe, firstIm + firstTurnIm, weights.real[weight + 4]!, weights.imaginary[weight + 4]!);
    }
  }
}

/** Stores a sum, turned by its weight. */
function store(to: ComplexSignal, at: number, re: number, im: number, cosine: number, sine: number): void {
  to.real[at] = re * cosine - im * sine;
  to.imaginary[at] = re * sine + im * cosine;
}
