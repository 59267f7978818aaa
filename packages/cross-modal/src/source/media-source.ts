import { readWholeFile } from "@polywen/formats";
import { InvalidArgumentError, InvalidFileError, throwIfAborted, UnsupportedError } from "@polywen/tensor";
import { readDataUrl } from "./data-url.ts";
import { fetchMedium } from "./fetch-medium.ts";
import type { MediaBytes, ReadMediaOptions } from "./media-bytes.ts";
import { readBlob, readStream } from "./read-stream.ts";
import { requireSize } from "./require-size.ts";
import { fileURLToPath } from "node:url";

/**
 * Where an encoded medium comes from: a path, a `file:`, `data:` or (where it is allowed) `https:` URL as text or as URL, its bytes, a
 * Blob, or a stream of bytes, which is read once. The content alone decides the format; file extensions and media types are not looked at.
 */
export type MediaSource = string | URL | Uint8Array | Blob | ReadableStream<Uint8Array>;

/**
 * Reads a medium. Sizes are checked before anything is allocated; of streams and answers, while they come in.
 * Throws NotFoundError, FileAccessError, InvalidFileError (empty, a folder, a pipe, a damaged data URL), LimitExceededError,
 * UnsupportedError for other schemes and for `http:` and `https:` where `network` does not allow them, NetworkError,
 * InvalidArgumentError and AbortedError.
 */
export async function readMediaSource(source: MediaSource, options: ReadMediaOptions): Promise<MediaBytes> {
  throwIfAborted(options.signal, `Reading the ${options.what}`);
  const medium = await readAny(source, options);
  throwIfAborted(options.signal, `Reading the ${options.what}`);
  if (medium.bytes.length === 0) throw new InvalidFileError({ file: medium.name, problem: "it is empty", offset: 0 });
  return medium;
}

async function readAny(source: MediaSource, options: ReadMediaOptions): Promise<MediaBytes> {
  if (source instanceof Uint8Array) {
    const name = `the ${options.what} bytes`;
    requireSize(source.length, name, options.maxBytes);
    return { bytes: source, name };
  }
  if (source instanceof Blob) return readBlob(source, options);
  if (source instanceof ReadableStream) return readStream(source, options);
  if (source instanceof URL) return readUrl(source.href, options);
  if (typeof source !== "string" || source === "") {
    throw new InvalidArgumentError({ argument: options.what, expected: "a path, a URL, bytes, a Blob or a ReadableStream", received: source });
  }
  return /^(data|file|https?):/i.test(source) ? readUrl(source, options) : readPath(source, options.maxBytes);
}

async function readPath(path: string, maxBytes: number): Promise<MediaBytes> {
  return { bytes: await readWholeFile(path, maxBytes), name: path };
}

async function readUrl(href: string, options: ReadMediaOptions): Promise<MediaBytes> {
  const scheme = href.slice(0, href.indexOf(":")).toLowerCase();
  if (scheme === "data") return readDataUrl(href, options);
  if (scheme === "file") return readPath(pathOfUrl(href, options.what), options.maxBytes);
  const isWeb = scheme === "https" || scheme === "http";
  if (isWeb && options.network !== undefined) return fetchMedium(href, options.network, options);
  throw new UnsupportedError(
    { feature: `Reading an ${options.what} from a ${scheme}: URL`, supported: ["file:", "data:", ...(options.network === undefined ? [] : ["https:"])] },
    { hint: `Fetch it yourself, with the checks that your network needs, and pass the bytes or the Blob${isWeb ? "; or allow fetching with loadModel(…, { network: {} })" : ""}.` },
  );
}

function pathOfUrl(href: string, what: string): string {
  try {
    return fileURLToPath(href);
  } catch (error) {
    throw new InvalidArgumentError({ argument: what, expected: "a file: URL of this machine", received: href }, { cause: error });
  }
}
