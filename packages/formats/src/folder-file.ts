import { realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { InvalidFileError } from "@polywen/tensor";
import { FileAccessError, systemCode } from "./file-access-error.ts";
import { quoted } from "./json-pointer.ts";

/** True if `name` can only mean a file directly in a folder: no separator, no `..`, no drive letter, no NUL, at most 255 characters. */
export function isPlainFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && name.length <= 255 && !/[/\\:\u0000]/.test(name);
}

/**
 * The path of the file `name` directly in `folder`, or undefined if there is none. A symbolic link must lead to somewhere in
 * the folder; in a folder of the hub's cache (`…/snapshots/REVISION`) it may also lead into `…/blobs` beside `snapshots`, where
 * that cache keeps the content. Any other link is refused: an unpacked archive could otherwise make us read foreign files.
 * Throws InvalidFileError and FileAccessError.
 */
export async function findInFolder(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  if (!isPlainFileName(name)) {
    throw new InvalidFileError({ file: folder, problem: `the file name ${quoted(name)} is not a plain name inside the folder` });
  }
  const [root, target] = await Promise.all([resolveLinks(folder), resolveLinks(path)]);
  if (root === undefined || target === undefined) return undefined;
  if (allowedRoots(root).some((allowed) => target.startsWith(allowed.endsWith(sep) ? allowed : allowed + sep))) return path;
  throw new InvalidFileError(
    { file: path, problem: "it is a symbolic link that leads out of the folder" },
    { hint: "Copy the file into the folder, or name the file itself instead of the folder." },
  );
}

function allowedRoots(root: string): readonly string[] {
  const parent = dirname(root);
  return basename(parent) === "snapshots" ? [root, join(dirname(parent), "blobs")] : [root];
}

async function resolveLinks(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new FileAccessError({ file: path, operation: "open", systemCode: code }, error);
  }
}
