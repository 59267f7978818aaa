import { isStorageDType, storageFormatOf } from "@polywen/tensor";

/** A tensor type of GGUF: its name and its block, that is how many values of a row take how many bytes. */
export interface GgufType {
  readonly name: GgufDtype;
  readonly values: number;
  readonly bytes: number;
}

/** All types by their number in a file. */
const names: Readonly<Record<number, GgufDtype>> = {
  0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
  14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
  24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
};

/** The blocks of what is no `StorageDType`: such tensors are known so that files that hold them can be checked and described. */
const otherBlocks: Partial<Record<GgufDtype, readonly [values: number, bytes: number]>> = {
  Q8_1: [32, 36], Q8_K: [256, 292], IQ2_XXS: [256, 66], IQ2_XS: [256, 74], IQ3_XXS: [256, 98], IQ1_S: [256, 50], IQ3_S: [256, 110],
  IQ2_S: [256, 82], IQ4_XS: [256, 136], I8: [1, 1], I16: [1, 2], I32: [1, 4], I64: [1, 8], F64: [1, 8], IQ1_M: [256, 56],
  TQ1_0: [256, 54], TQ2_0: [256, 66], NVFP4: [64, 36], Q1_0: [128, 18],
};

/** A tensor type as GGUF names it: `Q4_K`. */
export type GgufDtype =
  | "F32" | "F16" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q8_1" | "Q2_K"
  | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K" | "Q8_K" | "IQ2_XXS" | "IQ2_XS" | "IQ3_XXS" | "IQ1_S"
  | "IQ4_NL" | "IQ3_S" | "IQ2_S" | "IQ4_XS" | "I8" | "I16" | "I32" | "I64" | "F64"
  | "IQ1_M" | "BF16" | "TQ1_0" | "TQ2_0" | "MXFP4" | "NVFP4" | "Q1_0";

/** The type with this number, or undefined for numbers that are unknown or were given up (Q4_2, Q4_0_4_4, …). */
export function ggufTypeOf(id: number): GgufType | undefined {
  const name = Object.hasOwn(names, id) ? names[id] : undefined;
  if (name === undefined) return undefined;
  const storage = name.toLowerCase();
  if (isStorageDType(storage)) return { name, ...storageFormatOf(storage) };
  const [values, bytes] = otherBlocks[name]!;
  return { name, values, bytes };
}

/** The names of all known types. */
export const ggufTypeNames: readonly string[] = Object.values(names);
