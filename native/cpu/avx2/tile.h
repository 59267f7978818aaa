// The inner product that linear and attention share.
#pragma once
#include "simd.h"

namespace polywen {
namespace {

// sums[r][c] += Σ_k rows[r][k] · columns[k · stride + 8c …], k in sequence. Six rows of two registers keep twelve
// chains in flight: enough to cover the latency of FMA, and with two loads and a broadcast they fill the registers.
constexpr int kTileRows = 6;

template <int Rows, int Registers>
inline __attribute__((always_inline)) void multiply_tile(const float* const (&rows)[Rows], const float* columns, ptrdiff_t stride, int depth,
                                                         __m256 (&sums)[Rows][Registers]) {
  for (ptrdiff_t k = 0; k < depth; k++, columns += stride) {
    __m256 column[Registers];
    UNROLL
    for (int c = 0; c < Registers; c++) column[c] = _mm256_loadu_ps(columns + c * kLanes);
    UNROLL
    for (int r = 0; r < Rows; r++) {
      const __m256 factor = _mm256_broadcast_ss(rows[r] + k);
      UNROLL
      for (int c = 0; c < Registers; c++) sums[r][c] = _mm256_fmadd_ps(factor, column[c], sums[r][c]);
    }
  }
}

}  // namespace
}  // namespace polywen
