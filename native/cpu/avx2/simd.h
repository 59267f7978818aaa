// What the AVX2 kernels share. Everything has internal linkage: nothing compiled for this tier may be merged with
// code of another one.
#pragma once
#include <immintrin.h>
#include <stdint.h>

#include "../kernels.h"
#include "../unroll.h"

namespace polywen {
namespace {

constexpr int kLanes = 8;

inline int smaller(int left, int right) { return left < right ? left : right; }
inline int larger(int left, int right) { return left > right ? left : right; }

// All bits set in the first `count` lanes; count may be any number.
inline __m256i first_lanes(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline __m256 load_bf16(const uint16_t* source) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

// One input of a weight panel: its 16 values as two registers in row order.
template <Storage storage>
inline __attribute__((always_inline)) void load_panel(const void* panel, ptrdiff_t input, __m256& low, __m256& high) {
  if constexpr (storage == Storage::f32) {
    const float* source = static_cast<const float*>(panel) + input * kPanelRows;
    low = _mm256_loadu_ps(source);
    high = _mm256_loadu_ps(source + kLanes);
  } else if constexpr (storage == Storage::f16) {
    const __m128i* source = reinterpret_cast<const __m128i*>(static_cast<const uint16_t*>(panel) + input * kPanelRows);
    low = _mm256_cvtph_ps(_mm_loadu_si128(source));
    high = _mm256_cvtph_ps(_mm_loadu_si128(source + 1));
  } else {
    const uint16_t* source = static_cast<const uint16_t*>(panel) + input * kPanelRows;
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source));
    low = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
    high = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
  }
}

// Eight rows of eight become their columns.
inline __attribute__((always_inline)) void transpose(__m256 (&rows)[kLanes]) {
  __m256 pairs[kLanes], fours[kLanes];
  UNROLL
  for (int i = 0; i < 4; i++) {
    pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  UNROLL
  for (int i = 0; i < 2; i++) {
    fours[4 * i] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
    fours[4 * i + 1] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
    fours[4 * i + 2] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
    fours[4 * i + 3] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
  }
}

inline float largest_lane(__m256 x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

inline float sum_of_lanes(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

inline double sum_of_lanes(__m256d x) {
  const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}

// 2^n by its bits, for n of a normal number.
inline __m256 power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

// e^x within 2 ulp, subnormal results, infinities and NaN included: x = n ln 2 + r, e^r by its Taylor polynomial of
// degree 7 (error below 2^-27 for |r| <= ln 2 / 2), and 2^n in two factors because n reaches past normal exponents.
inline __m256 exponential(__m256 x) {
  x = _mm256_min_ps(_mm256_set1_ps(89.0f), _mm256_max_ps(_mm256_set1_ps(-105.0f), x));  // NaN stays: it is the second operand
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752f), x);  // ln 2 in two parts, the first with few bits
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6f), r);
  __m256 p = _mm256_set1_ps(1.0f / 5040);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  const __m256i exponent = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(exponent, 1);
  p = _mm256_mul_ps(p, power_of_two(half));
  return _mm256_mul_ps(p, power_of_two(_mm256_sub_epi32(exponent, half)));
}

}  // namespace
}  // namespace polywen
