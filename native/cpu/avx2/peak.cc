// Loops of nothing but the arithmetic that the kernels of this tier are made of. They are written in assembly, because
// a compiler would see that the same is computed over and over.
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>

#include "kernels.h"

namespace polywen::avx2 {
namespace {

constexpr int kChains = 8;  // independent sums, enough to hide the latency of each

}  // namespace

// Products of 8-bit integers added in pairs and summed in 16 bits.
int64_t peak_int8(int64_t rounds) {
  const __m256i weight = _mm256_setzero_si256(), input = _mm256_setzero_si256();
  __m256i s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{};
  const auto add = [&](__m256i& sum) {
    __m256i products;
    asm volatile("vpmaddubsw %2, %3, %1\n\tvpaddw %1, %0, %0" : "+x"(sum), "=&x"(products) : "x"(weight), "x"(input));
  };
  for (int64_t round = 0; round < rounds; round++) add(s0), add(s1), add(s2), add(s3), add(s4), add(s5), add(s6), add(s7);
  return rounds * kChains * 64;
}

int64_t peak_float(int64_t rounds) {
  const __m256 weight = _mm256_setzero_ps(), input = _mm256_setzero_ps();
  __m256 s0{}, s1{}, s2{}, s3{}, s4{}, s5{}, s6{}, s7{};
  const auto add = [&](__m256& sum) { asm volatile("vfmadd231ps %1, %2, %0" : "+x"(sum) : "x"(weight), "x"(input)); };
  for (int64_t round = 0; round < rounds; round++) add(s0), add(s1), add(s2), add(s3), add(s4), add(s5), add(s6), add(s7);
  return rounds * kChains * 16;
}

}  // namespace polywen::avx2
#endif
