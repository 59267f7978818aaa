// Outputs of a panel: 16 of a row, fewer at its end.
#pragma once
#include "simd.h"

namespace polywen {
namespace {

// Writes 16 outputs of one row; panels past the last whole one are cut off.
inline void store_outputs(float* output, int columns, __m256 low, __m256 high) {
  if (columns >= kPanelRows) {
    _mm256_storeu_ps(output, low);
    _mm256_storeu_ps(output + kLanes, high);
  } else {
    _mm256_maskstore_ps(output, first_lanes(columns), low);
    _mm256_maskstore_ps(output + kLanes, first_lanes(columns - kLanes), high);
  }
}

inline void load_outputs(const float* output, int columns, __m256& low, __m256& high) {
  if (columns >= kPanelRows) {
    low = _mm256_loadu_ps(output);
    high = _mm256_loadu_ps(output + kLanes);
  } else {
    low = _mm256_maskload_ps(output, first_lanes(columns));
    high = _mm256_maskload_ps(output + kLanes, first_lanes(columns - kLanes));
  }
}

// Where sums over a block of inputs go, for rows side by side.
struct Target {
  float* output;  // of the first row
  ptrdiff_t stride;
  int columns;        // from here to the end of a row of outputs
  bool first;         // of the panel: the output holds nothing yet
  const float* bias;  // with the last block, or null
};

template <int Rows>
inline void add_to_outputs(const __m256 (&sums)[Rows][2], const Target& target) {
  UNROLL
  for (int r = 0; r < Rows; r++) {
    float* output = target.output + r * target.stride;
    __m256 low = _mm256_setzero_ps(), high = low;
    if (!target.first) load_outputs(output, target.columns, low, high);
    low = _mm256_add_ps(low, sums[r][0]);
    high = _mm256_add_ps(high, sums[r][1]);
    if (target.bias) {
      __m256 bias_low, bias_high;
      load_outputs(target.bias, target.columns, bias_low, bias_high);
      low = _mm256_add_ps(low, bias_low);
      high = _mm256_add_ps(high, bias_high);
    }
    store_outputs(output, target.columns, low, high);
  }
}

}  // namespace
}  // namespace polywen
