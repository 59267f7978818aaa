import { expect, it } from "vitest";
import { OutOfMemoryError } from "../errors/errors.ts";
import { allocate } from "./allocate.ts";

it("throws OutOfMemoryError where memory cannot be had", () => {
  expect(() => allocate("everything", "f32", 2 ** 50)).toThrowError(OutOfMemoryError);
  expect(allocate("little", "bf16", 3)).toEqual(new Uint16Array(3));
});
