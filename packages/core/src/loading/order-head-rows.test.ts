import { expect, test } from "vitest";
import type { TensorEntry } from "@polywen/formats";
import { orderHeadRows } from "./order-head-rows.ts";

const entry: TensorEntry = { name: "q", dtype: "F16", shape: [12, 1], file: "m.gguf", offset: 0, byteLength: 24, interleavedHeads: 2 };

test("interleaved rows become halves again, head by head", () => {
  // What the converter of llama.cpp makes of rows 0 to 11 in two heads: reshape(2, 2, 3, 1).swapaxes(1, 2).
  const stored = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11];
  const bytes = Uint8Array.from(stored.flatMap((row) => [row, row + 100]));
  expect([...orderHeadRows(bytes, entry, 2)]).toEqual(Array.from({ length: 12 }, (_, row) => [row, row + 100]).flat());
});

test("rows that heads cannot share are refused", () => {
  const refused = expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ file: "m.gguf", pointer: "/q" }) });
  for (const heads of [4, 5, 24]) expect(() => orderHeadRows(new Uint8Array(24), entry, heads)).toThrow(refused);
});
