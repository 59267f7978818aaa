import { InvalidFileError, LimitExceededError, UnsupportedError } from "@polywen/tensor";
import { recogniseForeignFile, signatureLength } from "../foreign-file.ts";
import { readExactly, withFile, type RegularFile } from "../regular-file.ts";
import { GgufCursor, MoreBytesNeeded } from "./gguf-cursor.ts";
import { parseGgufHeader, type GgufHeader } from "./gguf-header.ts";

/** Most vocabularies fit into this; what does not is read again in larger pieces. */
const FIRST_READ = 2 ** 23;

/** A longer header is refused; a vocabulary of 256,000 tokens takes some 16 MB. */
const MAX_HEADER = 2 ** 27;

/**
 * Reads and checks the header of one GGUF file (version 2 or 3), never the data of tensors. Memory is bounded by the header, at most 128 MB.
 * Throws NotFoundError, FileAccessError, InvalidFileError with the byte offset, LimitExceededError, and UnsupportedError for other versions,
 * big-endian files, unknown tensor types and arrays of arrays.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  return withFile(path, async (file) => {
    for (let length = Math.min(FIRST_READ, file.size); ; ) {
      const bytes = await readExactly(file, 0, length);
      const header = tryParse(Buffer.from(bytes.buffer), file);
      if (!(header instanceof MoreBytesNeeded)) return header;
      if (header.length > MAX_HEADER) throw new LimitExceededError({ file: path, what: "The header", limit: MAX_HEADER, received: header.length, unit: "bytes" });
      length = Math.min(Math.max(header.length, length * 4), MAX_HEADER, file.size);
    }
  });
}

function tryParse(bytes: Buffer, { path, size }: RegularFile): GgufHeader | MoreBytesNeeded {
  refuseForeignFile(bytes, path);
  try {
    return parseGgufHeader(new GgufCursor(bytes, path, size));
  } catch (error) {
    if (error instanceof MoreBytesNeeded) return error;
    throw error;
  }
}

/** Says what lies in place of the model, if that is known. */
function refuseForeignFile(bytes: Buffer, path: string): void {
  if (bytes.toString("latin1", 0, 4) === "GGUF") return;
  const foreign = recogniseForeignFile(bytes.subarray(0, signatureLength));
  if (foreign === undefined) return;
  if (foreign.pickle) throw new UnsupportedError({ feature: `${path}: ${foreign.what},` }, { hint: foreign.hint });
  throw new InvalidFileError({ file: path, problem: `this is ${foreign.what}, not a GGUF file`, offset: 0 }, { hint: foreign.hint });
}
