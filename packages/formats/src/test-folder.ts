import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PolywenError } from "@polywen/tensor";

/** A folder for one test file's files; `remove` deletes it. */
export interface TestFolder {
  readonly path: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  remove(): Promise<void>;
}

export async function createTestFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "polywen-formats-"));
  return {
    path,
    async write(name: string, content: string | Uint8Array): Promise<string> {
      await writeFile(join(path, name), content);
      return join(path, name);
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** The bytes of a safetensors file with this header, written as it stands, and `dataLength` bytes of data. */
export function safetensorsBytes(header: unknown, dataLength = 0): Buffer {
  const json = Buffer.isBuffer(header) ? header : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataLength)]);
}

/** The error that `work` fails with, which must be one of Polywen's. */
export async function failureOf(work: Promise<unknown>): Promise<PolywenError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert(error instanceof PolywenError, `a PolywenError was expected, not ${String(error)}`);
  return error;
}
