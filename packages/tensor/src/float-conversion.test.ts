import { describe, expect, it, test } from "vitest";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16, roundToF16 } from "./float-conversion.ts";

/** The value of a binary floating-point pattern by the definition of IEEE 754. */
function valueOf(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponent = Math.floor(bits / 2 ** fractionBits) % 2 ** exponentBits;
  const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const patterns = Array.from({ length: 65536 }, (_, bits) => bits);

describe("reading 16-bit floats", () => {
  it("follows IEEE 754 for all patterns", () => {
    expect(patterns.filter((bits) => !Object.is(f16ToF32(bits), valueOf(bits, 5, 10)))).toEqual([]);
    expect(patterns.filter((bits) => !Object.is(bf16ToF32(bits), valueOf(bits, 8, 7)))).toEqual([]);
  });
});

describe.each([
  { name: "f32ToBf16", round: f32ToBf16, value: bf16ToF32, largest: 0x7f7f },
  { name: "f32ToF16", round: f32ToF16, value: f16ToF32, largest: 0x7bff },
])("$name", ({ round, value, largest }) => {
  it("returns every pattern to itself, NaN to a quiet NaN", () => {
    const changed = patterns.filter((bits) => round(value(bits)) !== bits);
    expect(changed.every((bits) => Number.isNaN(value(bits)) && Number.isNaN(value(round(value(bits)))))).toBe(true);
  });

  it("rounds to the nearest, ties to even", () => {
    const finite = patterns.filter((bits) => (bits & 0x7fff) < largest);
    const wrong = finite.filter((bits) => {
      const [low, high] = [value(bits), value(bits + 1)];
      const middle = low + (high - low) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      return round(middle) !== even || round(low + (high - low) * 0.4375) !== bits || round(low + (high - low) * 0.5625) !== bits + 1;
    });
    expect(wrong).toEqual([]);
  });

  it("overflows to infinity where f32 does not", () => {
    expect(round(3.4028234663852886e38)).toBe(largest + 1);
    expect(round(-Infinity)).toBe((largest + 1) | 0x8000);
    expect(round(-0)).toBe(0x8000);
  });
});

test("f16 overflows from half a step above its largest number on", () => {
  expect([65_519.99609375, 65_520].map(f32ToF16)).toEqual([0x7bff, 0x7c00]);
});

test("many floats are rounded to f16 as one is", () => {
  const values = Float32Array.from(patterns.flatMap((bits) => [f16ToF32(bits), bf16ToF32(bits), f16ToF32(bits) * 1.0004882]));
  const rounded = new Uint16Array(values.length + 2);
  roundToF16(values, rounded, 1);
  expect(rounded.subarray(1, -1)).toEqual(Uint16Array.from(values, f32ToF16));
});
