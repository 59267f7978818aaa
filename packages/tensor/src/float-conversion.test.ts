import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFloats } from "./conformance/encode-floats.ts";
import { bf16ToF32, decodeFloats, f16ToF32, f32ToBf16 } from "./float-conversion.ts";

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

describe("decodeFloats", () => {
  it("reads any dtype at any address and copies", () => {
    const bytes = encodeFloats([1, -2.5, 0], "f32");
    expect(bytes.byteOffset % 4).toBe(1);
    const decoded = decodeFloats(bytes, "f32");
    bytes.fill(0);
    expect(decoded).toEqual(Float32Array.of(1, -2.5, 0));
    for (const dtype of ["f16", "bf16"] as const) expect(decodeFloats(encodeFloats([1, -2.5, 0.15625], dtype), dtype)).toEqual(Float32Array.of(1, -2.5, 0.15625));
  });

  it("reads back what encodeFloats rounded, within half a unit", () => {
    fc.assert(
      fc.property(fc.double({ min: -65000, max: 65000, noNaN: true }), (value) => {
        const [half] = decodeFloats(encodeFloats([value], "f16"), "f16");
        expect(Math.abs(half! - value)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(value) * 2 ** -11));
      }),
    );
  });
});
