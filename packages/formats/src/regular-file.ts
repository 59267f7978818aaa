import { constants, type Stats } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { InvalidFileError, LimitExceededError, NotFoundError, OutOfMemoryError, PolywenError } from "@polywen/tensor";
import { FileAccessError, systemCode } from "./file-access-error.ts";

/** An open regular file and the size it had when it was opened, in bytes. */
export interface RegularFile {
  readonly path: string;
  readonly size: number;
  readonly handle: FileHandle;
}

/** libuv reads at most 2 GiB - 1 in one call. */
const maximumReadLength = 2 ** 30;

/**
 * Opens `path` for reading, hands it to `use` and closes it afterwards.
 * Throws NotFoundError, InvalidFileError for a folder, pipe or device, and FileAccessError.
 */
export async function withFile<T>(path: string, use: (file: RegularFile) => Promise<T>): Promise<T> {
  const handle = await openForReading(path);
  try {
    const { size } = requireRegular(path, await handle.stat());
    return await use({ path, size, handle });
  } finally {
    await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Checked before opening, too: opening some devices has effects. Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
    requireRegular(path, await stat(path));
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (PolywenError.isInstance(error)) throw error;
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") throw new NotFoundError({ what: "File", name: path }, { cause: error });
    throw new FileAccessError({ file: path, operation: "open", systemCode: code }, error);
  }
}

function requireRegular(path: string, status: Stats): Stats {
  if (!status.isFile()) throw new InvalidFileError({ file: path, problem: "it is not a regular file" });
  return status;
}

/** Reads a file of at most `maxBytes`. Throws LimitExceededError before anything is allocated, and as `withFile` and `readExactly` do. */
export async function readWholeFile(path: string, maxBytes: number): Promise<Uint8Array> {
  return withFile(path, async (file) => {
    if (file.size > maxBytes) throw new LimitExceededError({ what: "The size", limit: maxBytes, received: file.size, unit: "bytes", file: path });
    return readExactly(file, 0, file.size);
  });
}

/**
 * Reads exactly `length` bytes from byte `offset` on. The range must lie within `file.size`, so that the allocation is bounded
 * by the file. Throws InvalidFileError if the file has shrunk since it was opened, OutOfMemoryError and FileAccessError.
 */
export async function readExactly(file: RegularFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = allocate(file.path, length);
  let filled = 0;
  while (filled < length) {
    const count = await readSome(file, bytes, filled, Math.min(length - filled, maximumReadLength), offset + filled);
    if (count === 0) {
      throw new InvalidFileError({ file: file.path, problem: "the file has shrunk while it was in use", offset: offset + filled });
    }
    filled += count;
  }
  return bytes;
}

/**
 * Reads a range of a file whose size was known before. Throws InvalidFileError if the file has shrunk since, NotFoundError,
 * OutOfMemoryError and FileAccessError.
 */
export async function readFileRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  return withFile(path, async (file) => {
    if (offset + length > file.size) throw new InvalidFileError({ file: path, problem: "the file has shrunk since it was opened", offset: file.size });
    return readExactly(file, offset, length);
  });
}

async function readSome(file: RegularFile, into: Uint8Array, at: number, length: number, position: number): Promise<number> {
  try {
    return (await file.handle.read(into, at, length, position)).bytesRead;
  } catch (error) {
    throw new FileAccessError({ file: file.path, operation: "read", systemCode: systemCode(error) }, error);
  }
}

function allocate(path: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new OutOfMemoryError({ what: `Reading ${path}`, requested: length }, { cause: error });
  }
}
