import { locationByteLength, type ComputedBytes, type WeightData } from "./backend.ts";
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
  const received = locationByteLength(location);
  if (received !== expected) throw new InvalidArgumentError({ argument: `location of weight ${name}`, expected: `${expected} bytes`, received });
  if (location.kind === "bytes" || location.kind === "file" || (location.kind === "computed" && shape.length < 3)) return;
  const parts = location.kind === "parts" ? location.parts : [];
  const even = shape.length === 3 && parts.length === shape[0] && parts.every(({ byteLength }) => byteLength === expected / shape[0]!);
  if (!even) throw new InvalidArgumentError({ argument: `location of weight ${name}`, expected: "one part for each matrix of a stack", received: `${parts.length} parts` });
}

/** The bytes of a computed location. Throws `InvalidArgumentError` unless they are as many as it says. */
export async function computeBytes(name: string, { byteLength, compute }: ComputedBytes): Promise<Uint8Array> {
  const bytes = await compute();
  if (bytes.byteLength !== byteLength) throw new InvalidArgumentError({ argument: `location of weight ${name}`, expected: `${byteLength} bytes`, received: bytes.byteLength });
  return bytes;
}
