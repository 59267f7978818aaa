// Loops of nothing but the arithmetic that the kernels of this tier are made of. They are written in assembly, because
// a compiler would see that the same is computed over and over.
#include "tier.h"
#if defined(POLYWEN_HAS_AVX512) && !defined(POLYWEN_EMULATE_AVX512)
#include <immintrin.h>

#include "kernels.h"

namespace polywen::avx512 {
namespace {

constexpr int kChains = 12;  // independent sums, enough to hide the latency of each

}  // namespace

// Products of 8-bit integers, four of which are added to each sum of 32 bits.
int64_t peak_int8(int64_t rounds) {
  const __m512i weight = _mm512_setzero_si512(), input = _mm512_setzero_si512();
  __m512i s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  const auto add = [&](__m512i& sum) { asm volatile("vpdpbusd %1, %2, %0" : "+v"(sum) : "v"(weight), "v"(input)); };
  for (int64_t round = 0; round < rounds; round++) {
    add(s0), add(s1), add(s2), add(s3), add(s4), add(s5), add(s6), add(s7), add(s8), add(s9), add(s10), add(s11);
  }
  return rounds * kChains * 128;
}

int64_t peak_float(int64_t rounds) {
  const __m512 weight = _mm512_setzero_ps(), input = _mm512_setzero_ps();
  __m512 s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{}, s8{}, s9{}, s10{}, s11{};
  const auto add = [&](__m512& sum) { asm volatile("vfmadd231ps %1, %2, %0" : "+v"(sum) : "v"(weight), "v"(input)); };
  for (int64_t round = 0; round < rounds; round++) {
    add(s0), add(s1), add(s2), add(s3), add(s4), add(s5), add(s6), add(s7), add(s8), add(s9), add(s10), add(s11);
  }
  return rounds * kChains * 32;
}

}  // namespace polywen::avx512
#endif
