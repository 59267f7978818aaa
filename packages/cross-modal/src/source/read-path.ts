import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { FileAccessError } from "@polywen/formats";
import { InvalidFileError, NotFoundError } from "@polywen/tensor";
import type { MediaBytes } from "./media-source.ts";
import { requireSize } from "./require-size.ts";

/** Reads a regular file of at most `maxBytes`. Throws as `readMediaSource` says. */
export async function readPath(path: string, maxBytes: number): Promise<MediaBytes> {
  const handle = await openFile(path);
  try {
    const { size } = await handle.stat();
    requireSize(size, path, maxBytes);
    return { bytes: await readAll(handle, size, path), name: path };
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Checked before opening, too: opening some devices has effects. O_NONBLOCK keeps a pipe from waiting for its writer.
    if (!(await stat(path)).isFile()) throw new InvalidFileError({ file: path, problem: "it is not a regular file" });
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (error instanceof InvalidFileError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") throw new NotFoundError({ what: "File", name: path }, { cause: error });
    throw new FileAccessError({ file: path, operation: "open", systemCode: code }, error);
  }
}

async function readAll(handle: FileHandle, size: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } catch (error) {
    throw new FileAccessError({ file: path, operation: "read", systemCode: codeOf(error) }, error);
  }
  if (filled < size) throw new InvalidFileError({ file: path, problem: "the file has shrunk while it was read", offset: filled });
  return bytes;
}

/** The code of a system error, for messages. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "an error";
}
