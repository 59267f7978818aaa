import { bf16ToF32, f32ToF16, InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { Checkpoint } from "../checkpoint.ts";
import { jsonPointer } from "../json-pointer.ts";
import type { SafetensorsDtype } from "../safetensors-dtype.ts";
import type { TensorEntry } from "../safetensors-header.ts";
import { awqOrder, turnAwqWords } from "./awq-layout.ts";
import { toByteBlocks, toHalves, toNibbleBlocks, type IntegerCodes } from "./integer-codes.ts";
import type { QuantisationConfig } from "./quantisation-config.ts";

type IntegerConfig = Extract<QuantisationConfig, { method: "gptq" | "awq" }>;

/** The tensors of one linear layer of GPTQ or AWQ, and what they say. */
interface IntegerLinear {
  readonly config: IntegerConfig;
  readonly name: string;
  readonly out: number;
  readonly width: number;
  readonly groups: number;
  readonly groupSize: number;
  readonly codes: TensorEntry;
  readonly zeroPoints: TensorEntry;
  readonly scales: TensorEntry;
  readonly groupOf: TensorEntry | undefined;
}

/** Endings of the names of tensors that become one weight. */
export const integerParts = ["qweight", "qzeros", "scales", "g_idx"] as const;

const bytesPerValue = { Q4_0: 18 / 32, Q4_Z: 20 / 32, Q8_0: 34 / 32, F16: 2 } as const;

/**
 * The weight `NAME.weight` [out, width] that the tensors `NAME.qweight`, `NAME.qzeros`, `NAME.scales` and `NAME.g_idx` stand for.
 * Only headers are looked at until its bytes are asked for. Where all inputs of a block of 32 share a scale, it is exact: Q4_0 and
 * Q8_0 if zero points are half of the range, Q4_Z otherwise. Anything else becomes F16, rounded.
 * Throws `NotFoundError` for a missing tensor, `InvalidFileError` for shapes, `UnsupportedError` for dtypes.
 */
export function integerWeight(checkpoint: Checkpoint, name: string, config: IntegerConfig): TensorEntry {
  const linear = describe(checkpoint, name, config);
  const { out, width, codes } = linear;
  const dtype = storageOf(linear);
  return { name: `${name}.weight`, dtype, shape: [out, width], file: codes.file, offset: codes.offset, byteLength: out * width * bytesPerValue[dtype], compute: async () => computeWeight(checkpoint, linear, dtype) };
}

function describe(checkpoint: Checkpoint, name: string, config: IntegerConfig): IntegerLinear {
  const codes = checkpoint.entry(`${name}.qweight`);
  const zeroPoints = checkpoint.entry(`${name}.qzeros`);
  const scales = checkpoint.entry(`${name}.scales`);
  const groupOf = checkpoint.tensors.get(`${name}.g_idx`);
  requireDtype(codes, ["I32"]);
  requireDtype(zeroPoints, ["I32"]);
  requireDtype(scales, ["F16", "BF16", "F32"]);
  if (codes.shape.length !== 2 || codes.byteLength === 0) refuseShape(codes, "a matrix is expected");
  const perWord = 32 / config.bits;
  const [rows, columns] = codes.shape as [number, number];
  const [width, out] = config.method === "gptq" ? [rows * perWord, columns] : [rows, columns * perWord];
  const groupSize = Math.min(config.groupSize ?? width, width);
  const groups = Math.ceil(width / groupSize);
  requireShape(zeroPoints, [groups, out / perWord], config);
  requireShape(scales, [groups, out], config);
  if (groupOf !== undefined) {
    requireDtype(groupOf, ["I32"]);
    requireShape(groupOf, [width], config);
  }
  return { config, name, out, width, groups, groupSize, codes, zeroPoints, scales, groupOf };
}

function storageOf({ config, width, groups, groupSize }: IntegerLinear): keyof typeof bytesPerValue {
  const inBlocks = width % 32 === 0 && (groups === 1 || (groupSize % 32 === 0 && !config.reordered));
  if (!inBlocks) return "F16";
  if (config.bits === 4) return config.symmetric ? "Q4_0" : "Q4_Z";
  return config.symmetric ? "Q8_0" : "F16";
}

async function computeWeight(checkpoint: Checkpoint, linear: IntegerLinear, dtype: keyof typeof bytesPerValue): Promise<Uint8Array> {
  const codes = await readCodes(checkpoint, linear);
  if (dtype === "F16") return toHalves(codes);
  requireOrder(linear, codes);
  if (dtype === "Q4_Z") return toNibbleBlocks(codes, "q4_z");
  requireSymmetry(linear, codes);
  return dtype === "Q4_0" ? toNibbleBlocks(codes, "q4_0") : toByteBlocks(codes);
}

async function readCodes(checkpoint: Checkpoint, linear: IntegerLinear): Promise<IntegerCodes> {
  const { config, out, width, groups, groupSize } = linear;
  const scales = halvesOf(await checkpoint.read(linear.scales.name), linear.scales.dtype);
  const zeroPoints = unpackZeroPoints(await wordsOf(checkpoint, linear.zeroPoints), linear);
  const groupOf = linear.groupOf && (await wordsOf(checkpoint, linear.groupOf));
  const outside = groupOf?.findIndex((group) => group < 0 || group >= groups) ?? -1;
  if (outside >= 0) throw invalid(linear.groupOf!, `input ${outside} is in group ${groupOf![outside]} of ${groups}`);
  const stored = await wordsOf(checkpoint, linear.codes);
  const words = config.method === "gptq" ? stored : turnAwqWords(stored, width, out);
  return { bits: config.bits as 4 | 8, out, width, words, groupSize, groupOf, scales, zeroPoints };
}

async function wordsOf(checkpoint: Checkpoint, { name }: TensorEntry): Promise<Int32Array> {
  return new Int32Array((await checkpoint.read(name)).buffer);
}

/** As f16; only bf16 and f32 scales below 2^-14 can lose bits. */
function halvesOf(bytes: Uint8Array, dtype: TensorEntry["dtype"]): Uint16Array {
  if (dtype === "F16") return new Uint16Array(bytes.buffer);
  if (dtype === "BF16") return new Uint16Array(bytes.buffer).map((bits) => f32ToF16(bf16ToF32(bits)));
  return Uint16Array.from(new Float32Array(bytes.buffer), f32ToF16);
}

function unpackZeroPoints(words: Int32Array, { config: { bits, method, zeroOffset } }: IntegerLinear): Uint8Array {
  const perWord = 32 / bits;
  const mask = 2 ** bits - 1;
  const zeroPoints = new Uint8Array(words.length * perWord);
  for (let word = 0; word < words.length; word++) {
    for (let index = 0; index < perWord; index++) {
      const place = method === "awq" ? awqOrder[index]! : index;
      zeroPoints[word * perWord + place] = ((words[word]! >>> (bits * index)) + zeroOffset) & mask;
    }
  }
  return zeroPoints;
}

function requireOrder({ groupOf: entry, groupSize }: IntegerLinear, { groupOf }: IntegerCodes): void {
  const moved = groupOf?.findIndex((group, input) => group !== Math.floor(input / groupSize)) ?? -1;
  if (moved >= 0) throw invalid(entry!, `input ${moved} is in group ${groupOf![moved]}, but "desc_act" of config.json says that groups are in order`);
}

function requireSymmetry({ zeroPoints: entry, config: { bits } }: IntegerLinear, { zeroPoints }: IntegerCodes): void {
  const middle = 2 ** (bits - 1);
  const other = zeroPoints.findIndex((zeroPoint) => zeroPoint !== middle);
  if (other < 0) return;
  throw invalid(entry, `a zero point is ${zeroPoints[other]}, but "sym" of config.json says that all are ${middle}`, `If the weights are right, set "sym" to false.`);
}

function requireDtype(entry: TensorEntry, dtypes: readonly SafetensorsDtype[]): void {
  if (dtypes.includes(entry.dtype as SafetensorsDtype)) return;
  throw new UnsupportedError({ feature: `${entry.file}: dtype ${entry.dtype} of tensor ${entry.name}`, supported: dtypes });
}

function requireShape(entry: TensorEntry, expected: readonly number[], { bits, groupSize }: IntegerConfig): void {
  if (entry.shape.length === expected.length && entry.shape.every((length, axis) => length === expected[axis])) return;
  refuseShape(entry, `shape [${entry.shape.join(", ")}] where ${bits} bits in groups of ${groupSize ?? "a whole row"} ask for [${expected.join(", ")}]`);
}

function refuseShape(entry: TensorEntry, problem: string): never {
  throw new InvalidFileError({ file: entry.file, problem, pointer: jsonPointer([entry.name, "shape"]) });
}

function invalid(entry: TensorEntry, problem: string, hint?: string): InvalidFileError {
  return new InvalidFileError({ file: entry.file, problem, pointer: jsonPointer([entry.name]) }, hint === undefined ? {} : { hint });
}
