import { readFileRange } from "@polywen/formats";
import { InvalidArgumentError, type WeightData } from "@polywen/tensor";

/** The stored bytes of a weight, wherever they are. */
export async function readWeightBytes(name: string, { location }: WeightData): Promise<Uint8Array> {
  if (location.kind === "bytes") return location.bytes;
  if (location.kind === "computed") return location.compute();
  if (location.kind === "file") return readFileRange(location.file, location.offset, location.byteLength);
  throw new InvalidArgumentError({ argument: `weight ${name}`, expected: "one matrix or vector", received: "a stack of matrices" });
}
