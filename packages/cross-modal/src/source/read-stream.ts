import { FileAccessError, systemCode } from "@polywen/formats";
import { InvalidArgumentError, PolywenError } from "@polywen/tensor";
import { untilAborted } from "../time-slices.ts";
import type { MediaBytes, ReadMediaOptions } from "./media-bytes.ts";
import { requireSize } from "./require-size.ts";

/** Reads a Blob whose size is within the limit. A Blob that cannot be read (its file has changed) is a FileAccessError. */
export async function readBlob(blob: Blob, options: ReadMediaOptions): Promise<MediaBytes> {
  const name = "name" in blob && typeof blob.name === "string" ? blob.name : `the ${options.what} blob`;
  requireSize(blob.size, name, options.maxBytes);
  try {
    return { bytes: new Uint8Array(await untilAborted(blob.arrayBuffer(), options.signal, `Reading ${name}`)), name };
  } catch (error) {
    throw PolywenError.isInstance(error) ? error : new FileAccessError({ file: name, operation: "read", systemCode: systemCode(error) }, error);
  }
}

/**
 * Reads a stream to its end, or cancels it as soon as it has given more than the limit or the signal fires.
 * Throws InvalidArgumentError for a stream that somebody else reads and for chunks that are no bytes.
 */
export async function readStream(stream: ReadableStream<Uint8Array>, options: ReadMediaOptions): Promise<MediaBytes> {
  const name = `the ${options.what} stream`;
  if (stream.locked) throw new InvalidArgumentError({ argument: options.what, expected: "a stream that nobody reads yet", received: "a locked stream" });
  const reader = stream.getReader();
  try {
    return { bytes: await collectChunks(chunksOf(reader, options), name, options), name };
  } catch (error) {
    // Not awaited: a source that does not end must not keep the caller.
    reader.cancel(error).catch(() => undefined);
    throw PolywenError.isInstance(error) ? error : new FileAccessError({ file: name, operation: "read", systemCode: systemCode(error) }, error);
  }
}

async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>, { signal, what }: ReadMediaOptions): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await untilAborted(reader.read(), signal, `Reading the ${what} stream`);
    if (done) return;
    if (!(value instanceof Uint8Array)) throw new InvalidArgumentError({ argument: what, expected: "a stream of Uint8Array chunks", received: value });
    yield value;
  }
}

/** Joins chunks, of which there may be at most `maxBytes` bytes. */
export async function collectChunks(chunks: AsyncIterable<Uint8Array>, name: string, { maxBytes }: Pick<ReadMediaOptions, "maxBytes">): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    requireSize(size, name, maxBytes);
    kept.push(chunk);
  }
  return Buffer.concat(kept, size);
}
