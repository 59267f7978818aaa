import { randomBytes } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileAccessError, systemCode } from "./file-access-error.ts";

/** Writes a file that appears under `path` complete or not at all: it is written beside it, synchronised and renamed. Throws FileAccessError. */
export async function writeAtomically(path: string, parts: readonly ArrayBufferView[]): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      for (const part of parts) await writeFully(handle, part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await synchroniseFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw new FileAccessError({ file: path, operation: "write", systemCode: systemCode(error) }, error);
  }
}

async function writeFully(handle: FileHandle, part: ArrayBufferView): Promise<void> {
  const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written, Math.min(bytes.length - written, 2 ** 30))).bytesWritten;
  }
}

/** Makes the rename itself durable. Windows cannot open folders and needs no such step. */
async function synchroniseFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
