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

}  // namespace
}  // namespace polywen
