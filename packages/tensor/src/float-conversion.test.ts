import { describe, expect, it } from "vitest";
import { bf16ToF32, f16ToF32, f32ToBf16 } from "./float-conversion.ts";

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

describe("f32ToBf16", () => {
  it("returns every pattern to itself, NaN to a quiet NaN", () => {
    const changed = patterns.filter((bits) => f32ToBf16(bf16ToF32(bits)) !== bits);
    expect(changed.every((bits) => Number.isNaN(bf16ToF32(bits)) && Number.isNaN(bf16ToF32(f32ToBf16(bf16ToF32(bits)))))).toBe(true);
  });

  it("rounds to the nearest, ties to even", () => {
    const finite = patterns.filter((bits) => (bits & 0x7fff) < 0x7f7f);
    const wrong = finite.filter((bits) => {
      const [low, high] = [bf16ToF32(bits), bf16ToF32(bits + 1)];
      const middle = low + (high - low) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      return f32ToBf16(middle) !== even || f32ToBf16(low + (high - low) * 0.4375) !== bits || f32ToBf16(low + (high - low) * 0.5625) !== bits + 1;
    });
    expect(wrong).toEqual([]);
  });

  it("overflows to infinity where f32 does not", () => {
    expect(f32ToBf16(3.4028234663852886e38)).toBe(0x7f80);
    expect(f32ToBf16(-Infinity)).toBe(0xff80);
    expect(f32ToBf16(-0)).toBe(0x8000);
  });
});
