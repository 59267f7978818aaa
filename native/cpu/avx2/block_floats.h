// Blocks of quantised panels (see block_format.h) as floats, for the kernels of plain floats.
#pragma once
#include "block_slabs.h"

namespace polywen {
namespace {

// 16 inputs of eight rows. Everything but the difference is exact in f32, so that the order does not matter.
template <Storage storage>
inline __attribute__((always_inline)) void unpack_part(const PackedSlab<storage>& slab, int part, int half, float* output) {
  constexpr Shape shape = shape_of(storage);
  __m256 scale = slab.scale(half), min = _mm256_setzero_ps();
  if constexpr (shape.halves) scale = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_srai_epi32(slab.multiplier(part, half), 16)));
  if constexpr (shape.mins) min = slab.min(half);
  if constexpr (shape.mins && shape.halves) min = _mm256_mul_ps(min, floats_of_bytes(slab.mins(half) + part * kPanelRows));
  UNROLL
  for (int g = 4 * part; g < 4 * part + 4; g++) {
    const __m256i codes = slab.codes(g, half);
    UNROLL
    for (int i = 0; i < 4; i++) {
      const __m256i top = _mm256_slli_epi32(codes, 24 - 8 * i);
      __m256i code = shape.is_signed ? _mm256_srai_epi32(top, 24) : _mm256_srli_epi32(top, 24);
      if constexpr (shape.zero >= 0) code = _mm256_sub_epi32(code, _mm256_set1_epi32(1 << shape.zero));
      __m256 value = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(code));
      if constexpr (shape.mins) value = _mm256_sub_ps(value, min);
      _mm256_storeu_ps(output + (4 * g + i) * kPanelRows + kLanes * half, value);
    }
  }
}

// Groups of a block as [inputs][16].
template <Storage storage>
void unpack_floats(const uint8_t* block, int groups, float* output) {
  for (int group = 0; group < groups; group++, output += kGroup * kPanelRows) {
    const PackedSlab<storage> slab(block, group);
    for (int half = 0; half < 2; half++) {
      unpack_part<storage>(slab, 0, half, output);
      unpack_part<storage>(slab, 1, half, output);
    }
  }
}

}  // namespace
}  // namespace polywen
