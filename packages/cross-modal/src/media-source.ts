import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FileAccessError } from "@polywen/formats";
import { InvalidArgumentError, InvalidFileError, LimitExceededError, NotFoundError, throwIfAborted, UnsupportedError } from "@polywen/tensor";

/**
 * Where an encoded medium comes from: a path, a `file:` or `data:` URL (as text or as URL), its bytes, or a Blob.
 * The content alone decides the format; file extensions and media types are not looked at.
 */
export type MediaSource = string | URL | Uint8Array | Blob;

/** The bytes of a medium, never empty, and what to call it in errors. */
export interface MediaBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** What bounds and stops the reading of a medium. `what` names it where it has no file name, for instance "image". */
export interface ReadMediaOptions {
  readonly what: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads a medium. Sizes are checked before anything is allocated.
 * Throws NotFoundError, FileAccessError, InvalidFileError (empty, a folder, a pipe, a damaged data URL), LimitExceededError,
 * UnsupportedError for other schemes, `http:` and `https:` among them, InvalidArgumentError and AbortedError.
 */
export async function readMediaSource(source: MediaSource, options: ReadMediaOptions): Promise<MediaBytes> {
  throwIfAborted(options.signal, `Reading the ${options.what}`);
  const medium = await readAny(source, options);
  throwIfAborted(options.signal, `Reading the ${options.what}`);
  if (medium.bytes.length === 0) throw new InvalidFileError({ file: medium.name, problem: "it is empty" });
  return medium;
}

async function readAny(source: MediaSource, options: ReadMediaOptions): Promise<MediaBytes> {
  if (source instanceof Uint8Array) {
    const name = `the ${options.what} bytes`;
    requireSize(source.length, name, options.maxBytes);
    return { bytes: source, name };
  }
  if (source instanceof Blob) {
    const name = "name" in source && typeof source.name === "string" ? source.name : `the ${options.what} blob`;
    requireSize(source.size, name, options.maxBytes);
    return { bytes: new Uint8Array(await source.arrayBuffer()), name };
  }
  if (source instanceof URL) return readUrl(source.href, options);
  if (typeof source !== "string" || source === "") {
    throw new InvalidArgumentError({ argument: options.what, expected: "a path, a URL, bytes or a Blob", received: source });
  }
  return /^(data|file|https?):/i.test(source) ? readUrl(source, options) : readPath(source, options.maxBytes);
}

async function readUrl(href: string, options: ReadMediaOptions): Promise<MediaBytes> {
  const scheme = href.slice(0, href.indexOf(":")).toLowerCase();
  if (scheme === "data") return readDataUrl(href, options);
  if (scheme === "file") return readPath(pathOfUrl(href, options.what), options.maxBytes);
  throw new UnsupportedError(
    { feature: `Reading an ${options.what} from a ${scheme}: URL`, supported: ["file:", "data:"] },
    { hint: "Fetch it yourself, with the checks that your network needs, and pass the bytes or the Blob." },
  );
}

function pathOfUrl(href: string, what: string): string {
  try {
    return fileURLToPath(href);
  } catch (error) {
    throw new InvalidArgumentError({ argument: what, expected: "a file: URL of this machine", received: href }, { cause: error });
  }
}

async function readPath(path: string, maxBytes: number): Promise<MediaBytes> {
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

/** `data:[type][;base64],content`; a missing type, line breaks in the content and missing padding are all in order (WHATWG Fetch). */
function readDataUrl(href: string, options: ReadMediaOptions): MediaBytes {
  const name = `the ${options.what} data URL`;
  const comma = href.indexOf(",");
  if (comma < 0) throw new InvalidFileError({ file: name, problem: "there is no comma before the content" });
  if (!/;\s*base64\s*$/i.test(href.slice(0, Math.min(comma, 1024)))) {
    throw new UnsupportedError({ feature: `${name}: content that is not base64` });
  }
  requireSize(Math.floor(((href.length - comma - 1) * 3) / 4), name, options.maxBytes);
  const base64 = percentDecoded(href.slice(comma + 1), name).replace(/[\t\n\f\r ]/g, "");
  const digits = base64.replace(/={1,2}$/, "");
  const paddingIsWrong = base64.length > digits.length && base64.length % 4 !== 0;
  if (paddingIsWrong || digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) {
    throw new InvalidFileError({ file: name, problem: "the content is not valid base64" });
  }
  return { bytes: Buffer.from(digits, "base64"), name };
}

function percentDecoded(text: string, name: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new InvalidFileError({ file: name, problem: "the content has a percent sign that encodes nothing" }, { cause: error });
  }
}

function requireSize(size: number, file: string, limit: number): void {
  if (size > limit) throw new LimitExceededError({ what: "The size", limit, received: size, unit: "bytes", file });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "an error";
}
