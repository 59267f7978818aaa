// Weights in quantised blocks: what a block is in a file, and how the same bits lie in a panel.
//
// A panel of 16 rows goes along the inputs in groups of 32: for each group a slab of codes, then its scales (and what
// it subtracts). Formats with factors per 256 inputs put those, as f16, in front of every eight slabs. Codes are
// unsigned and split into planes of bits: 64 bytes hold four inputs of all rows, row by row, so that a register of
// eight rows times four inputs meets one broadcast of four inputs and no sum ever crosses rows.
//   nibbles  [4][16][4]     inputs 4i..4i+3 in the low halves, inputs 16+4i.. in the high ones
//   bit 4    [16][4]        bit g of a byte belongs to inputs 4g..4g+3
//   bits 4-5 [2][16][4]     bits 2(g % 4) of a byte of plane g / 4
//   bytes    [8][16][4]     of the format with 8 bits, instead of all of these
// A panel takes as many bytes as its rows in the file, but for sub-scales of 6 bits, which take a byte, and for
// the formats below 4 bits, which are stored with 4.
#pragma once
#include "kernels.h"

namespace polywen {

struct BlockFormat {
  int stored_values, stored_bytes;  // of a block in a file; 1 value: plain floats
  int bits;                         // of a code in a panel: 4, 5, 6 or 8
  int zero;                         // log2 of the code that stands for 0; -1: weights subtract `mins` instead
  bool mins;                        // value = scale * code - min
  bool halves;                      // scales and mins are per 16 inputs, not per 32
  bool factors;                     // scales and mins are bytes, with factors per 256 inputs
  bool zeros;                       // min = scale * zero point, and zero points stand where other formats have mins

  constexpr int code_bytes() const { return 64 * bits; }
  constexpr int scale_bytes() const { return kPanelRows * (factors ? (halves ? 2 : 1) : 2); }
  constexpr int slab_bytes() const { return code_bytes() + scale_bytes() * (mins ? 2 : 1); }
  constexpr int factor_bytes() const { return factors ? 2 * kPanelRows * (mins ? 2 : 1) : 0; }
  constexpr ptrdiff_t block_bytes() const { return factor_bytes() + kBlockGroups * slab_bytes(); }
  // Where the slab of a group begins in a panel.
  constexpr ptrdiff_t slab_offset(int group) const {
    return factors ? group / kBlockGroups * block_bytes() + factor_bytes() + group % kBlockGroups * slab_bytes()
                   : static_cast<ptrdiff_t>(group) * slab_bytes();
  }
  // Of a panel of width `in`, a multiple of the block in a file.
  constexpr ptrdiff_t panel_bytes(int in) const { return slab_offset(in / kGroup) - factor_bytes(); }
  constexpr bool operator==(const BlockFormat&) const = default;
};

constexpr BlockFormat block_format(Storage storage) {
  switch (storage) {
    case Storage::f32: return {1, 4};
    case Storage::bf16:
    case Storage::f16: return {1, 2};
    case Storage::q4_0: return {32, 18, 4, 3, false, false, false};
    case Storage::q4_1: return {32, 20, 4, -1, true, false, false};
    case Storage::q5_0: return {32, 22, 5, 4, false, false, false};
    case Storage::q5_1: return {32, 24, 5, -1, true, false, false};
    case Storage::q8_0: return {32, 34, 8, 7, false, false, false};
    case Storage::iq4_nl: return {32, 18, 4, 7, false, false, false};  // codes through kIq4NlCodes
    case Storage::mxfp4: return {32, 17, 4, 4, false, false, false};   // codes through kMxfp4Codes, scales bf16
    case Storage::q2_k: return {256, 84, 4, -1, true, true, true};
    case Storage::q3_k: return {256, 110, 4, 2, false, true, true};
    case Storage::q4_k: return {256, 144, 4, -1, true, false, true};
    case Storage::q5_k: return {256, 176, 5, -1, true, false, true};
    case Storage::q6_k: return {256, 210, 6, 5, false, true, true};
    case Storage::q4_z: return {32, 20, 4, -1, true, false, false, true};
  }
  return {};
}

constexpr bool is_quantised(Storage storage) { return block_format(storage).stored_values > 1; }

// Calls body<storage>() with a quantised format as a constant; plain floats are not for it.
template <typename Body>
inline void with_quantised(Storage storage, Body body) {
  switch (storage) {
    case Storage::q4_0: return body.template operator()<Storage::q4_0>();
    case Storage::q4_1: return body.template operator()<Storage::q4_1>();
    case Storage::q5_0: return body.template operator()<Storage::q5_0>();
    case Storage::q5_1: return body.template operator()<Storage::q5_1>();
    case Storage::q8_0: return body.template operator()<Storage::q8_0>();
    case Storage::iq4_nl: return body.template operator()<Storage::iq4_nl>();
    case Storage::mxfp4: return body.template operator()<Storage::mxfp4>();
    case Storage::q2_k: return body.template operator()<Storage::q2_k>();
    case Storage::q3_k: return body.template operator()<Storage::q3_k>();
    case Storage::q4_k: return body.template operator()<Storage::q4_k>();
    case Storage::q5_k: return body.template operator()<Storage::q5_k>();
    case Storage::q6_k: return body.template operator()<Storage::q6_k>();
    case Storage::q4_z: return body.template operator()<Storage::q4_z>();
    case Storage::f32:
    case Storage::bf16:
    case Storage::f16: return;
  }
}

// What the nibbles of two formats stand for, moved up by 128 and by 16 so that it is not negative.
constexpr uint8_t kIq4NlCodes[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};
constexpr uint8_t kMxfp4Codes[16] = {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4};

}  // namespace polywen
