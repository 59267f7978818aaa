import { InvalidArgumentError } from "@polywen/tensor";
import { maximumHeaderLength } from "./read-safetensors-header.ts";
import { isSafetensorsDtype, safetensorsDtypeSizes, tensorByteLength, type SafetensorsDtype } from "./safetensors-dtype.ts";
import { writeAtomically } from "./write-atomically.ts";

/** A tensor to be written. */
export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** The elements, row-major and little-endian: `Float32Array` for F32, `Int32Array` for I32, `Uint16Array` for BF16, or plain bytes. */
  readonly data: ArrayBufferView;
}

/**
 * Writes a safetensors file. Tensors are ordered by element size, largest first, so that each is aligned; the data is not
 * copied. The file appears under `path` complete or not at all: it is written beside it, synchronised and renamed.
 * Throws InvalidArgumentError for a tensor that contradicts itself or a repeated name, and FileAccessError.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = [...tensors];
  requireValid(ordered);
  ordered.sort((a, b) => safetensorsDtypeSizes[b.dtype] - safetensorsDtypeSizes[a.dtype]);
  const header = encodeHeader(ordered, metadata);
  await writeAtomically(path, [header, ...ordered.map((tensor) => tensor.data)]);
}

function requireValid(tensors: readonly SafetensorsTensor[]): void {
  const names = new Set<string>(["__metadata__"]);
  for (const { name, dtype, shape, data } of tensors) {
    if (names.has(name)) throw new InvalidArgumentError({ argument: "name", expected: "a name of its own for each tensor", received: name });
    names.add(name);
    if (!isSafetensorsDtype(dtype)) throw new InvalidArgumentError({ argument: `dtype of ${name}`, expected: Object.keys(safetensorsDtypeSizes).join(", "), received: dtype });
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw new InvalidArgumentError({ argument: `shape of ${name}`, expected: "non-negative integers", received: shape.join(", ") });
    }
    const byteLength = tensorByteLength(dtype, shape);
    if (byteLength !== data.byteLength) {
      throw new InvalidArgumentError({ argument: `data of ${name}`, expected: `${byteLength ?? "fewer"} bytes for ${dtype} [${shape.join(", ")}]`, received: data.byteLength });
    }
  }
}

function encodeHeader(tensors: readonly SafetensorsTensor[], metadata: Readonly<Record<string, string>>): Buffer {
  const members = Object.keys(metadata).length === 0 ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  let begin = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const end = begin + data.byteLength;
    // Put together as text: as a key of an object literal, "__proto__" would be lost.
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
    begin = end;
  }
  const json = Buffer.from(`{${members.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maximumHeaderLength) {
    throw new InvalidArgumentError({ argument: "tensors", expected: `names and metadata of at most ${maximumHeaderLength} bytes`, received: length });
  }
  const header = Buffer.alloc(8 + length, " ");
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}
