#include "pack_blocks.h"

#include <algorithm>
#include <cstring>

#include "../pack.h"

namespace polywen::generic {
namespace {

uint32_t word_at(const uint8_t* bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

void put_word(uint8_t* target, uint32_t word) { memcpy(target, &word, sizeof word); }

// One group of one row: nibbles as in q4_0, the planes of bits above them, scales as bits. Words of four inputs at a time
// make what a plane holds of one row, for loading a model is half packing.
struct Group {
  uint8_t nibbles[16];
  uint32_t planes[2];
  uint16_t scale, min;  // f16 or bf16
  uint8_t scales[2], mins[2];
};

void read_nibbles(const uint8_t* stored, Group& group) { memcpy(group.nibbles, stored, sizeof group.nibbles); }

// The plane of bit 4 from bits in the order of inputs: bit 4g + j becomes bit g of byte j.
uint32_t bit_plane(uint32_t bits) {
  const auto exchange = [&](uint32_t mask, int distance) {
    const uint32_t differing = (bits >> distance ^ bits) & mask;
    bits ^= differing | differing << distance;
  };
  exchange(0x22222222, 1);  // each swaps two of the five bits of a place: 0 and 1, 0 and 2, 1 and 3, 2 and 4
  exchange(0x0a0a0a0a, 3);
  exchange(0x00cc00cc, 6);
  exchange(0x0000f0f0, 12);
  return bits;
}

// The same from `count` words of four inputs, of which each byte holds `width` bits.
uint32_t join_plane(const uint8_t* bytes, int shift, uint32_t mask, int count, int width) {
  uint32_t plane = 0;
  for (int g = 0; g < count; g++) plane |= (word_at(bytes + 4 * g) >> shift & mask) << width * g;
  return plane;
}

uint16_t half_at(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] | bytes[1] << 8); }

// 2^(exponent - 128) as bf16, subnormal for the two smallest.
uint16_t bf16_of_exponent(uint8_t exponent) {
  return static_cast<uint16_t>(exponent < 2 ? 0x20 << exponent : (exponent - 1) << 7);
}

// Nibbles of 32 codes of at most 4 bits, `shift` up in their bytes.
void join_nibbles(const uint8_t* codes, int shift, int mask, uint8_t* nibbles) {
  const uint32_t masks = 0x01010101u * static_cast<uint32_t>(mask);
  for (int j = 0; j < 16; j += 4) put_word(nibbles + j, (word_at(codes + j) >> shift & masks) | (word_at(codes + j + 16) >> shift & masks) << 4);
}

// The 6-bit scale and min of sub-block s of q4_k and q5_k.
void read_k_scale(const uint8_t* s, int sub, Group& group) {
  if (sub < 4) {
    group.scales[0] = s[sub] & 63;
    group.mins[0] = s[sub + 4] & 63;
  } else {
    group.scales[0] = static_cast<uint8_t>((s[sub + 4] & 15) | s[sub - 4] >> 6 << 4);
    group.mins[0] = static_cast<uint8_t>(s[sub + 4] >> 4 | s[sub] >> 6 << 4);
  }
}

uint8_t q3_k_scale(const uint8_t* s, int sub) {
  const int low = sub < 8 ? s[sub] & 15 : s[sub - 8] >> 4;
  return static_cast<uint8_t>((low | (s[8 + sub % 4] >> 2 * (sub / 4) & 3) << 4) - 32);
}

template <Storage storage>
void read_group(const uint8_t* row, int index, Group& group) {
  constexpr BlockFormat format = block_format(storage);
  constexpr int groups = format.stored_values / kGroup;
  const uint8_t* block = row + static_cast<ptrdiff_t>(index / groups) * format.stored_bytes;
  const int sub = index % groups, quarter = sub % 4, part = sub / 4;
  if constexpr (storage == Storage::mxfp4) {
    group.scale = bf16_of_exponent(block[0]);
    read_nibbles(block + 1, group);
  } else if constexpr (!format.factors) {
    group.scale = half_at(block);
    if (format.mins) group.min = half_at(block + 2) ^ (format.zeros ? 0 : 0x8000);  // GGUF adds what we subtract
    const uint8_t* rest = block + (format.mins ? 4 : 2);
    if constexpr (format.bits == 5) group.planes[0] = bit_plane(word_at(rest));
    if constexpr (format.bits != 8) read_nibbles(rest + (format.bits == 5 ? 4 : 0), group);
  } else if constexpr (storage == Storage::q4_k || storage == Storage::q5_k) {
    read_k_scale(block + 4, sub, group);
    const uint8_t* codes = block + (storage == Storage::q4_k ? 16 : 48) + 32 * (sub / 2);
    join_nibbles(codes, 4 * (sub % 2), 15, group.nibbles);
    if constexpr (storage == Storage::q5_k) group.planes[0] = join_plane(block + 16, sub, 0x01010101, 8, 1);
  } else if constexpr (storage == Storage::q6_k) {
    join_nibbles(block + 64 * part + 32 * (quarter % 2), 4 * (quarter / 2), 15, group.nibbles);
    for (int plane = 0; plane < 2; plane++) group.planes[plane] = join_plane(block + 128 + 32 * part + 16 * plane, 2 * quarter, 0x03030303, 4, 2);
    memcpy(group.scales, block + 192 + 2 * sub, 2);
  } else if constexpr (storage == Storage::q2_k) {
    join_nibbles(block + 16 + 32 * part, 2 * quarter, 3, group.nibbles);
    for (int half = 0; half < 2; half++) {
      group.scales[half] = block[2 * sub + half] & 15;
      group.mins[half] = block[2 * sub + half] >> 4;
    }
  } else {
    uint8_t codes[kGroup];
    for (int k = 0; k < kGroup; k++) codes[k] = static_cast<uint8_t>((block[32 + 32 * part + k] >> 2 * quarter & 3) | (block[k] >> sub & 1) << 2);
    join_nibbles(codes, 0, 15, group.nibbles);
    for (int half = 0; half < 2; half++) group.scales[half] = q3_k_scale(block + 96, 2 * sub + half);
  }
}

// The factors of a block of 256: d and dmin.
template <Storage storage>
void put_factors(const uint8_t* block, int row, uint8_t* factors) {
  constexpr int at = storage == Storage::q2_k ? 80 : storage == Storage::q3_k ? 108 : storage == Storage::q6_k ? 208 : 0;
  memcpy(factors + 2 * row, block + at, 2);
  if constexpr (block_format(storage).mins) memcpy(factors + 2 * (kPanelRows + row), block + at + 2, 2);
}

template <Storage storage>
void put_group(const Group& group, int row, uint8_t* slab) {
  constexpr BlockFormat format = block_format(storage);
  if constexpr (format.bits != 8) {
    for (int i = 0; i < 4; i++) put_word(slab + 64 * i + 4 * row, word_at(group.nibbles + 4 * i));
  }
  if constexpr (format.bits == 5 || format.bits == 6) {
    for (int plane = 0; plane < format.bits - 4; plane++) put_word(slab + 256 + 64 * plane + 4 * row, group.planes[plane]);
  }
  uint8_t* scales = slab + format.code_bytes();
  if constexpr (format.factors) {
    for (int half = 0; half < (format.halves ? 2 : 1); half++) {
      scales[half * kPanelRows + row] = group.scales[half];
      if constexpr (format.mins) scales[format.scale_bytes() + half * kPanelRows + row] = group.mins[half];
    }
  } else {
    memcpy(scales + 2 * row, &group.scale, 2);
    if constexpr (format.mins) memcpy(scales + format.scale_bytes() + 2 * row, &group.min, 2);
  }
}

template <Storage storage>
void pack(const uint8_t* stored, int rows, int in, uint8_t* panel) {
  constexpr BlockFormat format = block_format(storage);
  const ptrdiff_t row_bytes = static_cast<ptrdiff_t>(in / format.stored_values) * format.stored_bytes;
  if (rows < kPanelRows) memset(panel, 0, panel_bytes(storage, in));
  for (int index = 0; index < in / kGroup; index++) {
    uint8_t* slab = panel + format.slab_offset(index);
    for (int row = 0; row < rows; row++) {
      const uint8_t* source = stored + row * row_bytes;
      if constexpr (format.bits == 8) {
        const uint8_t* block = source + static_cast<ptrdiff_t>(index) * format.stored_bytes;
        for (int g = 0; g < 8; g++) put_word(slab + 64 * g + 4 * row, word_at(block + 2 + 4 * g) ^ 0x80808080u);
        memcpy(slab + format.code_bytes() + 2 * row, block, 2);
        continue;
      }
      Group group;
      read_group<storage>(source, index, group);
      put_group<storage>(group, row, slab);
      if (format.factors && index % kBlockGroups == 0) {
        put_factors<storage>(source + static_cast<ptrdiff_t>(index / kBlockGroups) * format.stored_bytes, row, slab - format.factor_bytes());
      }
    }
  }
}

}  // namespace

void pack_block_panel(Storage storage, const uint8_t* stored, int rows, int in, uint8_t* panel) {
  with_quantised(storage, [&]<Storage constant>() { pack<constant>(stored, rows, in, panel); });
}

}  // namespace polywen::generic
