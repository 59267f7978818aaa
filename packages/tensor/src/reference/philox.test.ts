import { describe, expect, it } from "vitest";
import { philox, uniform, type Words } from "./philox.ts";

// Known answers of the authors' Random123 distribution (kat_vectors, philox4x32 10).
const ones = 0xffffffff;
const knownAnswers: readonly { counter: Words; key: [number, number]; expected: Words }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  { counter: [ones, ones, ones, ones], key: [ones, ones], expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd] },
  { counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], key: [0xa4093822, 0x299f31d0], expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1] },
];

describe("philox", () => {
  it.each(knownAnswers)("maps $counter to the published words", ({ counter, key, expected }) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

describe("uniform", () => {
  it("uses the upper 24 bits of the first word", () => {
    expect(uniform([0, 0, 0, 0])).toBe(0);
    expect(uniform([0x80000000, 0, 0, 0])).toBe(0.5);
    expect(uniform([0xffffffff, 0, 0, 0])).toBe(1 - 2 ** -24);
  });
});
