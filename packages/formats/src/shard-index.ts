import { dirname } from "node:path";
import { InvalidFileError, NotFoundError } from "@polywen/tensor";
import { z } from "zod";
import { findInFolder, isPlainFileName } from "./folder-file.ts";
import { isJsonObject, parseWith, readJsonObject } from "./json-file.ts";
import { jsonPointer, quoted } from "./json-pointer.ts";

/** What `model.safetensors.index.json` says. */
export interface ShardIndex {
  /** File name of the shard of each tensor, by tensor name. */
  readonly shardOf: ReadonlyMap<string, string>;
  /** Paths of the shards, each once, in the order of their names. */
  readonly shards: readonly string[];
}

const shardName = z.string("a file name is expected");

/**
 * Reads the index of a sharded checkpoint and finds the shards beside it.
 * Throws InvalidFileError for a name that is not a plain file name, NotFoundError if shards are missing.
 */
export async function readShardIndex(path: string): Promise<ShardIndex> {
  const { weight_map: map } = await readJsonObject(path, "shardIndex");
  if (!isJsonObject(map) || Object.keys(map).length === 0) {
    throw new InvalidFileError({ file: path, problem: "an object that names the shard of each tensor is expected", pointer: "/weight_map" });
  }
  const shardOf = new Map<string, string>();
  for (const [tensor, value] of Object.entries(map)) {
    const pointer = ["weight_map", tensor];
    const name = parseWith(shardName, value, path, pointer);
    if (!isPlainFileName(name)) {
      throw new InvalidFileError({ file: path, problem: `${quoted(name)} is not a plain file name`, pointer: jsonPointer(pointer) });
    }
    shardOf.set(tensor, name);
  }
  return { shardOf, shards: await findShards(dirname(path), [...new Set(shardOf.values())].sort()) };
}

async function findShards(folder: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const path = await findInFolder(folder, name);
    if (path === undefined) missing.push(name);
    else found.push(path);
  }
  if (missing[0] === undefined) return found;
  throw new NotFoundError(
    { what: "Weight file", name: missing[0], where: folder },
    { hint: `${missing.length} of ${names.length} weight files are missing: download the model again.` },
  );
}
