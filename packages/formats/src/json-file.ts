import { isUtf8 } from "node:buffer";
import { InvalidFileError } from "@polywen/tensor";
import type { z } from "zod";
import { recogniseForeignFile } from "./foreign-file.ts";
import { checkJson, type JsonSource } from "./json-checker.ts";
import { jsonPointer } from "./json-pointer.ts";
import { readWholeFile } from "./regular-file.ts";

/** Any value that a JSON file can hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. A key may be any text, `__proto__` included: such a key is an ordinary own property. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** The largest size, in bytes, at which each kind of file is read. */
export const fileSizeLimits: Readonly<Record<"config" | "template" | "tokenizer" | "shardIndex", number>> = {
  /** `config.json`, `generation_config.json`, `preprocessor_config.json`. */
  config: 2 ** 20,
  /** `chat_template.jinja`, `chat_template.json`. */
  template: 2 ** 20,
  /** `tokenizer.json`, `tokenizer_config.json`, `vocab.json`, `merges.txt`. */
  tokenizer: 64 * 2 ** 20,
  /** `model.safetensors.index.json`. */
  shardIndex: 64 * 2 ** 20,
};

/** A kind of file, which decides how large it may be. */
export type FileKind = keyof typeof fileSizeLimits;

/**
 * Reads one JSON document. Duplicate keys, nesting deeper than 64 and more than 4 million values are refused.
 * Throws NotFoundError, LimitExceededError, FileAccessError, and InvalidFileError with byte offset or JSON pointer.
 */
export async function readJsonFile(path: string, kind: FileKind): Promise<JsonValue> {
  return parseJson(await readBounded(path, kind), { file: path, offset: 0 });
}

/** As `readJsonFile`, for files whose top level must be an object. */
export async function readJsonObject(path: string, kind: FileKind): Promise<JsonObject> {
  const value = await readJsonFile(path, kind);
  if (isJsonObject(value)) return value;
  throw new InvalidFileError({ file: path, problem: "the top level must be a JSON object", pointer: "" });
}

/** Reads a UTF-8 text such as `merges.txt`. Throws as `readJsonFile` does; an empty text is allowed. */
export async function readTextFile(path: string, kind: FileKind): Promise<string> {
  const bytes = await readBounded(path, kind);
  requireUtf8(bytes, { file: path, offset: 0 });
  return bytes.toString("utf8");
}

/** Parses bytes of a file as JSON, with the checks of `readJsonFile`; `source` says where the bytes lie, for errors. */
export function parseJson(bytes: Buffer, source: JsonSource): JsonValue {
  const { file, offset } = source;
  if (bytes.length === 0) throw new InvalidFileError({ file, offset, problem: "the file is empty" });
  try {
    requireUtf8(bytes, source);
    checkJson(bytes, source);
  } catch (error) {
    const foreign = recogniseForeignFile(bytes);
    if (foreign === undefined) throw error;
    throw new InvalidFileError({ file, offset, problem: `JSON is expected, but this is ${foreign.what}` }, { hint: foreign.hint, cause: error });
  }
  return JSON.parse(bytes.toString("utf8")) as JsonValue;
}

/** True for objects, not for arrays and null. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks `value`, read from `file`, against a zod schema and returns what the schema yields.
 * Throws InvalidFileError with the JSON pointer of the first problem, below `pointer` if the value is a part of the file.
 */
export function parseWith<S extends z.ZodType>(schema: S, value: JsonValue, file: string, pointer: readonly string[] = []): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new InvalidFileError({
    file,
    problem: issue?.message ?? "the value does not fit its schema",
    pointer: jsonPointer([...pointer, ...(issue?.path ?? [])]),
  });
}

async function readBounded(path: string, kind: FileKind): Promise<Buffer> {
  const bytes = await readWholeFile(path, fileSizeLimits[kind]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function requireUtf8(bytes: Buffer, source: JsonSource): void {
  if (isUtf8(bytes)) return;
  throw new InvalidFileError({ file: source.file, problem: "the text is not valid UTF-8", offset: source.offset + firstInvalidByte(bytes) });
}

/** Bisects: a prefix that does not end inside a character is valid exactly if no byte before its end is invalid. */
function firstInvalidByte(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    if (isUtf8(bytes.subarray(0, characterStart(bytes, middle)))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

function characterStart(bytes: Buffer, position: number): number {
  for (let start = position; start > position - 4 && start > 0; start--) {
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return Math.max(position - 3, 0);
}
