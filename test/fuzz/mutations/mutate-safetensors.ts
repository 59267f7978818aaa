import { safetensorsBytes } from "../../../packages/formats/src/test-folder.ts";
import type { Random } from "../random.ts";
import { borderNumbers, mutateBytes, writeNumber } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";

/** Changes the JSON header of a safetensors file and mostly says its right length. */
export function mutateSafetensors(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const length = bytes.length < 8 ? Number.NaN : Number(bytes.readBigUInt64LE(0));
  if (!(8 + length <= bytes.length) || random.once(10)) return mutateBytes(bytes, random, other);
  const header = mutateJson(bytes.subarray(8, 8 + length), random, jsonOf(other));
  const file = Buffer.concat([safetensorsBytes(header), bytes.subarray(8 + length)]);
  if (random.once(20)) writeNumber(file, 0, random.pick(borderNumbers), 8);
  return random.once(6) ? mutateBytes(file, random, other) : file;
}

function jsonOf(file: Buffer): Buffer {
  const length = file.length < 8 ? 0 : Number(file.readBigUInt64LE(0));
  return file.subarray(8, 8 + Math.min(length, file.length));
}
