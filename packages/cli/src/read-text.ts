import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { FileAccessError, systemCode } from "@polywen/formats";
import { InvalidFileError, LimitExceededError, NotFoundError, PolywenError } from "@polywen/tensor";

/** Bytes of a text that a command takes. */
export const textByteLimit: number = 2 ** 26;

/**
 * Reads a UTF-8 text from a file, or from stdin if `path` is `-`.
 * Throws NotFoundError, FileAccessError, LimitExceededError beyond `textByteLimit`, InvalidFileError for other encodings.
 */
export async function readText(path: string): Promise<string> {
  const file = path === "-" ? "stdin" : path;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of path === "-" ? process.stdin : createReadStream(path)) {
      length += (chunk as Buffer).length;
      if (length > textByteLimit) throw new LimitExceededError({ what: "The text", limit: textByteLimit, received: length, unit: "bytes", file });
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    throw explain(error, file);
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw new InvalidFileError({ file, problem: "the text is not UTF-8" });
  return bytes.toString("utf8");
}

function explain(error: unknown, file: string): unknown {
  if (PolywenError.isInstance(error)) return error;
  const code = systemCode(error);
  return code === "ENOENT" ? new NotFoundError({ what: "File", name: file }) : new FileAccessError({ file, operation: "read", systemCode: code }, error);
}
