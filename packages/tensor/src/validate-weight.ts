import type { WeightData } from "./backend.ts";
import { storageFormatOf, storedByteLength } from "./dtype.ts";
import { InvalidArgumentError } from "./errors/errors.ts";

/** Most elements of one weight: kernels index with 32 bits. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/** Checks that the shape of a weight, its format and its bytes agree. Throws `InvalidArgumentError`. */
export function validateWeight(name: string, { dtype, shape, location }: WeightData): void {
  const elements = shape.reduce((product, length) => product * length, 1);
  const valid = shape.every((length) => Number.isSafeInteger(length) && length > 0) && elements <= MAX_ELEMENTS;
  if (!valid) throw new InvalidArgumentError({ argument: `shape of weight ${name}`, expected: "positive lengths of less than 2^31 elements", received: `[${shape}]` });
  const { values } = storageFormatOf(dtype);
  if ((shape.at(-1) ?? 1) % values !== 0) throw new InvalidArgumentError({ argument: `shape of weight ${name}`, expected: `rows of a multiple of ${values} values, a block of ${dtype}`, received: `[${shape}]` });
  const expected = storedByteLength(dtype, elements);
  const received = location.kind === "bytes" ? location.bytes.byteLength : location.byteLength;
  if (received !== expected) throw new InvalidArgumentError({ argument: `location of weight ${name}`, expected: `${expected} bytes`, received });
}
