const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The f32 value of a bf16 bit pattern: its upper half. */
export function bf16ToF32(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}

/** The bf16 bit pattern nearest to `value`, ties to even; NaN stays a quiet NaN. */
export function f32ToBf16(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The f32 value of an IEEE binary16 bit pattern, subnormals included. */
export function f16ToF32(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
  word[0] = exponent === 31 ? sign | 0x7f800000 | (fraction << 13) : sign | ((exponent + 112) << 23) | (fraction << 13);
  return float[0]!;
}

/** The IEEE binary16 bit pattern nearest to the f32 `value`, ties to even, subnormals included; NaN becomes the quiet one. */
export function f32ToF16(value: number): number {
  float[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const bits = word[0]! & 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;
  // From half a step above the largest number on.
  if (bits >= 0x477ff000) return sign | 0x7c00;
  if (bits >= 0x38800000) return sign | (((bits + 0xfff + ((bits >>> 13) & 1)) >>> 13) - (112 << 10));
  // Below 2^-14: numbers from a half to one have the step of the subnormals, 2^-24.
  float[0] = Math.abs(float[0]) + 0.5;
  return sign | (word[0]! - 0x3f000000);
}

/** Writes `f32ToF16` of all `values` to `target`, from index `at` on. */
export function roundToF16(values: Float32Array, target: Uint16Array, at: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let index = 0; index < words.length; index++) {
    const bits = words[index]!;
    const magnitude = bits & 0x7fffffff;
    const normal = magnitude >= 0x38800000 && magnitude < 0x477ff000;
    target[at + index] = normal ? ((bits >>> 16) & 0x8000) | (((magnitude + 0xfff + ((bits >>> 13) & 1)) >>> 13) - (112 << 10)) : f32ToF16(values[index]!);
  }
}
