import { f16At, i8At, type BlockDecoder } from "./block-decoder.ts";

/** A block whose codes select levels: `value = scale × levels[code] + minimum`. Byte offsets from its start. */
interface CodedBlock {
  /** 16 bytes: the low halves are codes 0 to 15, the high halves codes 16 to 31. */
  readonly codes: number;
  /** The fifth bits of the codes, as one u32. */
  readonly fifthBits?: number;
  /** An f16. */
  readonly minimum?: number;
  /** An f16: the code of value zero; the minimum is then the negative of `scale × zero point`. */
  readonly zeroPoint?: number;
  /** The scale is an f16 at byte 0 unless this says otherwise. */
  readonly scaleOf?: (bytes: Uint8Array, at: number) => number;
  readonly levels: Int8Array;
}

const integersFrom = (first: number, count: number): Int8Array => Int8Array.from({ length: count }, (_, index) => first + index);

/** Levels of IQ4_NL, denser around zero. */
const unevenLevels = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** E2M1 floats, doubled to be integers. */
const doubledFp4 = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** An E8M0 exponent, halved because the levels are doubled. */
const halvedPower = (bytes: Uint8Array, at: number): number => 2 ** (bytes[at]! - 128);

/** Decoders of the formats with 32 values in a block. Source: ggml, `ggml-quants.c`; `q4_z` is our own. */
export const blocksOf32: Readonly<Record<"q4_0" | "q4_1" | "q5_0" | "q5_1" | "q8_0" | "iq4_nl" | "mxfp4" | "q4_z", BlockDecoder>> = {
  q4_0: codedBlock({ codes: 2, levels: integersFrom(-8, 16) }),
  q4_1: codedBlock({ minimum: 2, codes: 4, levels: integersFrom(0, 16) }),
  q5_0: codedBlock({ fifthBits: 2, codes: 6, levels: integersFrom(-16, 32) }),
  q5_1: codedBlock({ minimum: 2, fifthBits: 4, codes: 8, levels: integersFrom(0, 32) }),
  q8_0: (bytes, at, values, to): void => {
    const scale = f16At(bytes, at);
    for (let index = 0; index < 32; index++) values[to + index] = scale * i8At(bytes, at + 2 + index);
  },
  iq4_nl: codedBlock({ codes: 2, levels: unevenLevels }),
  mxfp4: codedBlock({ scaleOf: halvedPower, codes: 1, levels: doubledFp4 }),
  q4_z: codedBlock({ zeroPoint: 2, codes: 4, levels: integersFrom(0, 16) }),
};

function codedBlock({ codes, fifthBits, minimum, zeroPoint, scaleOf = f16At, levels }: CodedBlock): BlockDecoder {
  return (bytes, at, values, to) => {
    const scale = scaleOf(bytes, at);
    // Adding -0 changes nothing, adding +0 would lose the sign of a zero.
    const shift = zeroPoint !== undefined ? -scale * f16At(bytes, at + zeroPoint) : minimum !== undefined ? f16At(bytes, at + minimum) : -0;
    for (let index = 0; index < 16; index++) {
      const pair = bytes[at + codes + index]!;
      const low = fifthBits === undefined ? 0 : bitAt(bytes, at + fifthBits, index) << 4;
      const high = fifthBits === undefined ? 0 : bitAt(bytes, at + fifthBits, index + 16) << 4;
      values[to + index] = scale * levels[(pair & 15) | low]! + shift;
      values[to + index + 16] = scale * levels[(pair >> 4) | high]! + shift;
    }
  };
}

function bitAt(bytes: Uint8Array, at: number, bit: number): number {
  return (bytes[at + (bit >> 3)]! >> (bit & 7)) & 1;
}
