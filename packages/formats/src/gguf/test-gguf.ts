/** A tensor for `ggufBytes`; every field may lie. */
export interface TestTensor {
  readonly name: string | Buffer;
  /** In the order of the file: the row length first. */
  readonly dims: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
  readonly rank?: number;
}

/** A GGUF file for tests; every field may lie. Values are bytes as `text`, `u32` and the others below make them. */
export interface TestFile {
  readonly magic?: string;
  readonly version?: number;
  readonly tensors?: readonly TestTensor[];
  readonly tensorCount?: number | bigint;
  readonly metadata?: readonly (readonly [key: string | Buffer, value: Buffer])[];
  readonly keyCount?: number | bigint;
  readonly alignment?: number;
  readonly dataLength?: number;
}

/** The bytes of a GGUF file. */
export function ggufBytes({ magic = "GGUF", version = 3, tensors = [], tensorCount, metadata = [], keyCount, alignment = 32, dataLength = 0 }: TestFile): Buffer {
  const header = Buffer.concat([
    Buffer.from(magic, "latin1"),
    raw32(version),
    raw64(tensorCount ?? tensors.length),
    raw64(keyCount ?? metadata.length),
    ...metadata.flatMap(([key, value]) => [rawText(key), value]),
    ...tensors.flatMap(({ name, dims, type, offset, rank }) => [rawText(name), raw32(rank ?? dims.length), ...dims.map(raw64), raw32(type), raw64(offset)]),
  ]);
  return Buffer.concat([header, Buffer.alloc((alignment - (header.length % alignment)) % alignment), Buffer.alloc(dataLength)]);
}

export function raw32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function raw64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}

export function rawText(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([raw64(bytes.length), bytes]);
}

function rawFloat(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export const u32 = (value: number): Buffer => Buffer.concat([raw32(4), raw32(value)]);
export const u64 = (value: number | bigint): Buffer => Buffer.concat([raw32(10), raw64(value)]);
export const f32 = (value: number): Buffer => Buffer.concat([raw32(6), rawFloat(value)]);
export const bool = (value: number): Buffer => Buffer.concat([raw32(7), Buffer.of(value)]);
export const text = (value: string | Buffer): Buffer => Buffer.concat([raw32(8), rawText(value)]);
export const texts = (values: readonly (string | Buffer)[]): Buffer => array(8, values.length, Buffer.concat(values.map(rawText)));
export const i32s = (values: readonly number[]): Buffer => array(5, values.length, Buffer.concat(values.map(raw32)));
/** An array whose length may lie. */
export const array = (type: number, length: number | bigint, ...items: readonly Buffer[]): Buffer => Buffer.concat([raw32(9), raw32(type), raw64(length), ...items]);
