// The intrinsics of AVX-512. POLYWEN_EMULATE_AVX512 takes those of SIMDe, which run on AVX2: the same kernels can then
// be tested on machines that lack the instructions.
#pragma once
#ifndef POLYWEN_EMULATE_AVX512
#include <immintrin.h>
#else
#define SIMDE_ENABLE_NATIVE_ALIASES
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wpsabi"
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>
#pragma GCC diagnostic pop

namespace polywen {
namespace {

// Inline, it would take the compiler minutes.
__attribute__((noinline, unused)) __m512i emulated_dpbusd(__m512i sums, __m512i codes, __m512i inputs) { return _mm512_dpbusd_epi32(sums, codes, inputs); }

// What SIMDe lacks, in halves.

inline __m512i join(__m256i low, __m256i high) { return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1); }
inline __m256i low_half(__m512i x) { return _mm512_castsi512_si256(x); }
inline __m256i high_half(__m512i x) { return _mm512_extracti64x4_epi64(x, 1); }
inline __m512 join(__m256 low, __m256 high) { return _mm512_castsi512_ps(join(_mm256_castps_si256(low), _mm256_castps_si256(high))); }
inline __m256 low_half(__m512 x) { return _mm256_castsi256_ps(low_half(_mm512_castps_si512(x))); }
inline __m256 high_half(__m512 x) { return _mm256_castsi256_ps(high_half(_mm512_castps_si512(x))); }
inline __m256i mask_bits(__mmask16 mask, int first) {
  const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(mask >> first), bits), bits);
}

inline __m512i emulated_cvtepu8_epi32(__m128i x) { return join(_mm256_cvtepu8_epi32(x), _mm256_cvtepu8_epi32(_mm_srli_si128(x, 8))); }
inline __m512i emulated_cvtepi8_epi32(__m128i x) { return join(_mm256_cvtepi8_epi32(x), _mm256_cvtepi8_epi32(_mm_srli_si128(x, 8))); }
inline __m512i emulated_cvtepu16_epi32(__m256i x) {
  return join(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1)));
}
inline __m512 emulated_cvtph_ps(__m256i x) { return join(_mm256_cvtph_ps(_mm256_castsi256_si128(x)), _mm256_cvtph_ps(_mm256_extracti128_si256(x, 1))); }
inline __m512 emulated_cvtepi32_ps(__m512i x) { return join(_mm256_cvtepi32_ps(low_half(x)), _mm256_cvtepi32_ps(high_half(x))); }
inline __m512i emulated_cvtps_epi32(__m512 x) { return join(_mm256_cvtps_epi32(low_half(x)), _mm256_cvtps_epi32(high_half(x))); }
inline __m512i emulated_srai_epi32(__m512i x, int count) { return join(_mm256_srai_epi32(low_half(x), count), _mm256_srai_epi32(high_half(x), count)); }
inline __m512 emulated_maskz_loadu_ps(__mmask16 mask, const float* source) {
  return join(_mm256_maskload_ps(source, mask_bits(mask, 0)), _mm256_maskload_ps(source + 8, mask_bits(mask, 8)));
}
inline void emulated_mask_storeu_ps(float* target, __mmask16 mask, __m512 x) {
  _mm256_maskstore_ps(target, mask_bits(mask, 0), low_half(x));
  _mm256_maskstore_ps(target + 8, mask_bits(mask, 8), high_half(x));
}

}  // namespace
}  // namespace polywen

#undef _mm512_dpbusd_epi32
#define _mm512_dpbusd_epi32 emulated_dpbusd
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32
#define _mm512_cvtepi8_epi32 emulated_cvtepi8_epi32
#define _mm512_cvtepu16_epi32 emulated_cvtepu16_epi32
#define _mm512_cvtph_ps emulated_cvtph_ps
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#define _mm512_srai_epi32 emulated_srai_epi32
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
#endif
