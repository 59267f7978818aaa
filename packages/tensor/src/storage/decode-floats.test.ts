import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFloats } from "../conformance/encode-floats.ts";
import { storageDTypes, storageFormatOf, type StorageDType } from "../dtype.ts";
import { InvalidArgumentError } from "../errors/errors.ts";
import { decodeFloats } from "./decode-floats.ts";

/** Made by scripts/make-block-goldens.py from the gguf package, and numpy where GGUF has no such format. */
const goldens = JSON.parse(readFileSync(new URL("../goldens/blocks.json", import.meta.url), "utf8")) as Record<string, { bytes: string; values: string }>;

const quantised = storageDTypes.filter((dtype) => storageFormatOf(dtype).values > 1);

function valuesOf(dtype: StorageDType): Float32Array {
  const bytes = Buffer.from(goldens[dtype]!.values, "base64");
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

describe("decodeFloats", () => {
  it("reads plain floats at any address and copies", () => {
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

  it.each(quantised)("reads %s to the bit as Python does", (dtype) => {
    const expected = valuesOf(dtype);
    const decoded = decodeFloats(Buffer.from(goldens[dtype]!.bytes, "base64"), dtype);
    expect(decoded.length).toBe(expected.length);
    // Object.is tells the zeros apart; all NaN count as one.
    expect(decoded.findIndex((value, index) => !Object.is(value, expected[index]))).toBe(-1);
  });

  it.each(storageDTypes)("refuses a part of a block of %s", (dtype) => {
    const { bytes } = storageFormatOf(dtype);
    expect(decodeFloats(new Uint8Array(0), dtype).length).toBe(0);
    expect(() => decodeFloats(new Uint8Array(2 * bytes + 1), dtype)).toThrowError(InvalidArgumentError);
  });
});
