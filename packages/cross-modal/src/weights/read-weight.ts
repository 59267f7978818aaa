import { open } from "node:fs/promises";
import { FileAccessError } from "@polywen/formats";
import { InvalidArgumentError, InvalidFileError, type FileRange, type WeightData } from "@polywen/tensor";

/** The stored bytes of a weight, wherever they are. */
export async function readWeightBytes(name: string, { location }: WeightData): Promise<Uint8Array> {
  if (location.kind === "bytes") return location.bytes;
  if (location.kind === "computed") return location.compute();
  if (location.kind === "file") return readRange(location);
  throw new InvalidArgumentError({ argument: `weight ${name}`, expected: "one matrix or vector", received: "a stack of matrices" });
}

async function readRange({ file, offset, byteLength }: FileRange): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let filled = 0;
  try {
    const handle = await open(file);
    try {
      while (filled < byteLength) {
        const { bytesRead } = await handle.read(bytes, filled, byteLength - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "an error";
    throw new FileAccessError({ file, operation: "read", systemCode: code }, error);
  }
  if (filled < byteLength) throw new InvalidFileError({ file, problem: "the file has shrunk since it was opened", offset: offset + filled });
  return bytes;
}
