import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { recogniseForeignFile, signatureLength } from "./foreign-file.ts";
import { readExactly, withFile, type RegularFile } from "./regular-file.ts";
import { parseSafetensorsHeader, type SafetensorsHeader } from "./safetensors-header.ts";

/** A longer header is refused; writers of the format keep to the same limit. */
export const maximumHeaderLength = 100_000_000;

/**
 * Reads and checks the header of a safetensors file, never the data. Memory is bounded by the header, at most 100 MB.
 * Throws NotFoundError, FileAccessError, InvalidFileError with byte offset or JSON pointer, and UnsupportedError for a pickle
 * or an unknown dtype.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, async (file) => {
    const start = asBuffer(await readExactly(file, 0, Math.min(file.size, signatureLength)));
    const length = headerLength(start, file);
    const json = asBuffer(await readExactly(file, 8, length));
    return parseSafetensorsHeader(json, { file: path, dataStart: 8 + length, fileSize: file.size });
  });
}

function headerLength(start: Buffer, file: RegularFile): number {
  if (file.size < 8) refuse(start, file, `a safetensors file starts with 8 bytes of header length, but this one has ${file.size} bytes`);
  const length = start.readBigUInt64LE(0);
  const limit = Math.min(maximumHeaderLength, file.size - 8);
  if (length < 2n || length > BigInt(limit)) refuse(start, file, `the header length is ${length}, expected 2 to ${limit}`);
  if (start[8] !== 0x7b) refuse(start, file, "the header does not start with {", 8);
  return Number(length);
}

/** Only called when the start makes no sense as safetensors: a header length may by chance look like another format. */
function refuse(start: Buffer, file: RegularFile, problem: string, offset = 0): never {
  const foreign = recogniseForeignFile(start);
  if (foreign === undefined) throw new InvalidFileError({ file: file.path, problem, offset });
  if (foreign.pickle) throw new UnsupportedError({ feature: `${file.path}: ${foreign.what},` }, { hint: foreign.hint });
  throw new InvalidFileError({ file: file.path, problem: `this is ${foreign.what}, not a safetensors file`, offset: 0 }, { hint: foreign.hint });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
