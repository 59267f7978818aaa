import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { InvalidFileError, NotFoundError, UnsupportedError } from "@polywen/tensor";
import { findInFolder } from "./folder-file.ts";
import { jsonPointer, quoted } from "./json-pointer.ts";
import { readSafetensorsHeader } from "./read-safetensors-header.ts";
import { readFileRange } from "./regular-file.ts";
import type { TensorEntry } from "./safetensors-header.ts";
import { readShardIndex } from "./shard-index.ts";

const singleFile = "model.safetensors";
const indexFile = "model.safetensors.index.json";
/** Names under which weights are published that cannot be read, looked for only to say so. */
const pickledFiles = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth", "model.pt"] as const;

/** The tensors of a model, in one file or in many. It holds no file open, so there is nothing to dispose of. */
export class Checkpoint {
  /** The folder or file it was opened from, or both files of a model in two, as errors name it. */
  readonly path: string;
  /** All tensors that are in the files, by name. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The `__metadata__` of the files, later ones over earlier ones. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #announced: ReadonlyMap<string, string>;

  /** Use `openCheckpoint`. `announced` is where an index says that tensors are. */
  constructor(
    path: string,
    tensors: ReadonlyMap<string, TensorEntry>,
    metadata: ReadonlyMap<string, string>,
    announced: ReadonlyMap<string, string> = new Map(),
  ) {
    this.path = path;
    this.tensors = tensors;
    this.metadata = metadata;
    this.#announced = announced;
  }

  /** The tensor `name`. Throws NotFoundError, with the names that differ only by a prefix. */
  entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (entry !== undefined) return entry;
    const shard = this.#announced.get(name);
    throw new NotFoundError(
      { what: "Tensor", name, where: this.path, nearest: this.#namesLike(name) },
      shard === undefined ? {} : { hint: `The index announces it in ${quoted(shard)}, but that file does not hold it.` },
    );
  }

  /**
   * The bytes of the tensor `name`, row-major and little-endian, in a buffer of their own; or those of one of the equal parts into which
   * it can be cut along its first axis. Throws NotFoundError, InvalidFileError if the file has shrunk, OutOfMemoryError, FileAccessError.
   */
  async read(name: string, { part, parts }: { readonly part: number; readonly parts: number } = { part: 0, parts: 1 }): Promise<Uint8Array> {
    const { file: path, offset: start, byteLength: whole, compute } = this.entry(name);
    const byteLength = whole / parts;
    if (compute !== undefined) return (await compute()).slice(part * byteLength, (part + 1) * byteLength);
    return readFileRange(path, start + part * byteLength, byteLength);
  }

  #namesLike(name: string): string[] {
    const alike = [...this.tensors.keys()].filter((other) => other.endsWith(`.${name}`) || name.endsWith(`.${other}`));
    return alike.slice(0, 3);
  }
}

/**
 * Opens the weights of a model: a folder with `model.safetensors` or with `model.safetensors.index.json` and its shards, or one
 * `.safetensors` file. Only headers are read. If shards hold more or other tensors than the index says, the shards are right.
 * Throws NotFoundError, UnsupportedError for pickled weights, InvalidFileError (also for a tensor that is in two shards, and for
 * links that lead out of the folder), FileAccessError.
 */
export async function openCheckpoint(folderOrFile: string): Promise<Checkpoint> {
  const isFolder = await stat(folderOrFile).then((status) => status.isDirectory(), () => false);
  const weights = isFolder ? await findWeights(folderOrFile) : folderOrFile;
  if (weights === undefined) throw await explainMissingWeights(folderOrFile);
  if (basename(weights) !== indexFile) {
    const { tensors, metadata } = await readSafetensorsHeader(weights);
    return new Checkpoint(folderOrFile, tensors, metadata);
  }
  const { shards, shardOf } = await readShardIndex(weights);
  return openShards(folderOrFile, shards, shardOf);
}

/** The path of the weights in a folder: one file, else the index of a sharded checkpoint, else undefined. */
export async function findWeights(folder: string): Promise<string | undefined> {
  return (await findInFolder(folder, singleFile)) ?? (await findInFolder(folder, indexFile));
}

async function openShards(path: string, shards: readonly string[], announced: ReadonlyMap<string, string>): Promise<Checkpoint> {
  const tensors = new Map<string, TensorEntry>();
  const metadata = new Map<string, string>();
  for (const shard of shards) {
    const header = await readSafetensorsHeader(shard);
    for (const [key, text] of header.metadata) metadata.set(key, text);
    for (const [name, entry] of header.tensors) {
      const other = tensors.get(name);
      if (other !== undefined) throw new InvalidFileError({ file: shard, problem: `this tensor is also in ${basename(other.file)}`, pointer: jsonPointer([name]) });
      tensors.set(name, entry);
    }
  }
  return new Checkpoint(path, tensors, metadata, announced);
}

async function explainMissingWeights(folder: string): Promise<NotFoundError | UnsupportedError> {
  for (const name of pickledFiles) {
    if ((await findInFolder(folder, name)) === undefined) continue;
    return new UnsupportedError(
      { feature: `${join(folder, name)}: a checkpoint of Python pickles,`, supported: [singleFile, indexFile] },
      { hint: "Opening a pickle can run any program it contains, so Polywen never does. Convert the model to safetensors." },
    );
  }
  return new NotFoundError({ what: "Weight file", name: singleFile, where: folder }, { hint: `${indexFile} with its shards would also do.` });
}
