// Slabs of quantised panels (see block_format.h) as the integer kernels read them: from a panel, or from a tile that
// holds a block of a panel with its codes apart. Both have the same members, so that one kernel serves both.
#pragma once
#include "../block_format.h"
#include "simd.h"

namespace polywen {
namespace {

// What a kernel must know of a format. Codes of 8 bits are signed here, and 0 stands for 0: their magnitudes are
// multiplied, with their signs on the inputs. Products of `steps` groups of four inputs are summed in 16 bits, which
// they cannot fill: 2 * 127 * (largest code) * steps < 2^15.
struct Shape {
  int steps, zero;
  bool mins, halves, is_signed;
};

constexpr Shape shape_of(Storage storage) {
  const BlockFormat format = block_format(storage);
  const bool is_signed = format.bits == 8 || storage == Storage::iq4_nl;
  const int bits = storage == Storage::mxfp4 ? 5 : is_signed ? 8 : format.bits;
  const int steps = bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
  return {format.halves && steps > 4 ? 4 : steps, is_signed ? -1 : format.zero, format.mins, format.halves, is_signed};
}

inline __m256i load_bytes(const void* source) { return _mm256_loadu_si256(static_cast<const __m256i*>(source)); }

inline __m256i table_of(const uint8_t (&codes)[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
}

// 8 bytes as two equal or two different 16-bit numbers of each of 8 lanes.
template <bool is_signed>
inline __m256i pair_lanes(const uint8_t* first, const uint8_t* second) {
  const __m128i bytes = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(first)), _mm_loadl_epi64(reinterpret_cast<const __m128i*>(second)));
  return is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

inline __m256 floats_of_bytes(const uint8_t* bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
}

inline __m256 floats_of_halves(const uint8_t* halves) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves))); }

// `half` chooses rows 0-7 or 8-15; `g` four inputs of 32; `part` 16 inputs of 32.
template <Storage storage>
struct PackedSlab {
  static constexpr BlockFormat format = block_format(storage);
  static constexpr Shape shape = shape_of(storage);
  const uint8_t* slab;
  const uint8_t* factors;

  PackedSlab(const uint8_t* block, int group)
      : slab(block + format.factor_bytes() + group * format.slab_bytes()), factors(block) {}

  __m256i codes(int g, int half) const {
    const __m256i low = _mm256_set1_epi8(15), sign = _mm256_set1_epi8(-128);
    if constexpr (format.bits == 8) return _mm256_xor_si256(load_bytes(slab + 64 * g + 32 * half), sign);
    const __m256i bytes = load_bytes(slab + 64 * (g % 4) + 32 * half);
    const __m256i nibbles = _mm256_and_si256(g < 4 ? bytes : _mm256_srli_epi16(bytes, 4), low);
    if constexpr (storage == Storage::iq4_nl) return _mm256_shuffle_epi8(_mm256_xor_si256(table_of(kIq4NlCodes), sign), nibbles);
    if constexpr (storage == Storage::mxfp4) return _mm256_shuffle_epi8(table_of(kMxfp4Codes), nibbles);
    if constexpr (format.bits == 5) {
      const __m256i bits = load_bytes(slab + 256 + 32 * half);
      const __m256i moved = g < 4 ? _mm256_slli_epi16(bits, 4 - g) : _mm256_srli_epi16(bits, g - 4);
      return _mm256_or_si256(nibbles, _mm256_and_si256(moved, _mm256_set1_epi8(0x10)));
    }
    if constexpr (format.bits == 6) {
      const __m256i bits = load_bytes(slab + 256 + 64 * (g / 4) + 32 * half);
      const int shift = 4 - 2 * (g % 4);
      const __m256i moved = shift >= 0 ? _mm256_slli_epi16(bits, shift) : _mm256_srli_epi16(bits, -shift);
      return _mm256_or_si256(nibbles, _mm256_and_si256(moved, _mm256_set1_epi8(0x30)));
    }
    return nibbles;
  }
  __m256i magnitudes(int g, int half) const { return _mm256_abs_epi8(codes(g, half)); }

  const uint8_t* scales(int half) const { return slab + format.code_bytes() + half * (format.factors ? 8 : 16); }
  const uint8_t* mins(int half) const { return scales(half) + format.scale_bytes(); }

  __m256 scale(int half) const {
    if constexpr (storage == Storage::mxfp4) return load_bf16(reinterpret_cast<const uint16_t*>(scales(half)));
    if constexpr (!format.factors) return floats_of_halves(scales(half));
    const __m256 factor = floats_of_halves(factors + 16 * half);
    return format.halves ? factor : _mm256_mul_ps(factor, floats_of_bytes(scales(half)));
  }
  __m256 min(int half) const {
    if constexpr (format.zeros) return _mm256_mul_ps(floats_of_halves(mins(half)), scale(half));
    if constexpr (!format.factors) return floats_of_halves(mins(half));
    const __m256 factor = floats_of_halves(factors + 2 * kPanelRows + 16 * half);
    return format.halves ? factor : _mm256_mul_ps(factor, floats_of_bytes(mins(half)));
  }
  // Formats with scales per 16 inputs: the scale twice in each lane; that of both parts in each lane; mins so as well.
  __m256i multiplier(int part, int half) const {
    const uint8_t* bytes = scales(half) + part * kPanelRows;
    return pair_lanes<!format.mins>(bytes, bytes);
  }
  __m256i multipliers(int half) const { return pair_lanes<!format.mins>(scales(half), scales(half) + kPanelRows); }
  __m256i min_multipliers(int half) const { return pair_lanes<false>(mins(half), mins(half) + kPanelRows); }
};

// A block of a panel, unpacked.
struct alignas(64) Tile {
  uint8_t codes[kBlockGroups][8][64], magnitudes[kBlockGroups][8][64];
  float scales[kBlockGroups][kPanelRows], mins[kBlockGroups][kPanelRows];
  int16_t multiplier[kBlockGroups][2][2 * kPanelRows];
  int16_t multipliers[kBlockGroups][2 * kPanelRows], min_multipliers[kBlockGroups][2 * kPanelRows];
};

inline void store_bytes(void* target, __m256i bytes) { _mm256_store_si256(static_cast<__m256i*>(target), bytes); }

template <Storage storage>
void unpack_tile(const uint8_t* block, int groups, Tile& tile) {
  for (int group = 0; group < groups; group++) {
    const PackedSlab<storage> slab(block, group);
    for (int half = 0; half < 2; half++) {
      UNROLL
      for (int g = 0; g < 8; g++) {
        store_bytes(tile.codes[group][g] + 32 * half, slab.codes(g, half));
        if constexpr (slab.shape.is_signed) store_bytes(tile.magnitudes[group][g] + 32 * half, slab.magnitudes(g, half));
      }
      _mm256_store_ps(tile.scales[group] + kLanes * half, slab.scale(half));
      if constexpr (slab.shape.mins) _mm256_store_ps(tile.mins[group] + kLanes * half, slab.min(half));
      if constexpr (slab.shape.halves) {
        for (int part = 0; part < 2; part++) store_bytes(tile.multiplier[group][part] + 16 * half, slab.multiplier(part, half));
        store_bytes(tile.multipliers[group] + 16 * half, slab.multipliers(half));
        if constexpr (slab.shape.mins) store_bytes(tile.min_multipliers[group] + 16 * half, slab.min_multipliers(half));
      }
    }
  }
}

template <Shape of>
struct TileSlab {
  static constexpr Shape shape = of;
  const Tile& tile;
  int group;

  __m256i codes(int g, int half) const { return load_bytes(tile.codes[group][g] + 32 * half); }
  __m256i magnitudes(int g, int half) const { return load_bytes(tile.magnitudes[group][g] + 32 * half); }
  __m256 scale(int half) const { return _mm256_load_ps(tile.scales[group] + kLanes * half); }
  __m256 min(int half) const { return _mm256_load_ps(tile.mins[group] + kLanes * half); }
  __m256i multiplier(int part, int half) const { return load_bytes(tile.multiplier[group][part] + 16 * half); }
  __m256i multipliers(int half) const { return load_bytes(tile.multipliers[group] + 16 * half); }
  __m256i min_multipliers(int half) const { return load_bytes(tile.min_multipliers[group] + 16 * half); }
};

}  // namespace
}  // namespace polywen
