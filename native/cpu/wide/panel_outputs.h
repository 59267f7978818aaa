// Outputs of a panel: 16 of a row, fewer at its end.
#pragma once
#include "../kernels.h"

namespace polywen {
namespace {

inline int smaller(int left, int right) { return left < right ? left : right; }
inline int larger(int left, int right) { return left > right ? left : right; }

inline Floats load_outputs(const float* output, int columns) { return columns >= kLanes ? load(output) : load_first(output, columns); }

inline void store_outputs(float* output, int columns, Floats x) {
  if (columns >= kLanes) {
    store(output, x);
  } else {
    store_first(output, columns, x);
  }
}

// Where sums over a block of inputs go, for rows side by side and panels next to each other.
struct Target {
  float* output;  // of the first row
  ptrdiff_t stride;
  int columns;        // from here to the end of a row of outputs
  bool first;         // of the panel: the output holds nothing yet
  const float* bias;  // with the last block, or null
};

template <int Rows, int Panels>
inline void add_to_outputs(const Floats (&sums)[Rows][Panels], const Target& target) {
  UNROLL
  for (int p = 0; p < Panels; p++) {
    const int columns = target.columns - p * kPanelRows;
    const Floats bias = target.bias ? load_outputs(target.bias + p * kPanelRows, columns) : zeros();
    UNROLL
    for (int r = 0; r < Rows; r++) {
      float* output = target.output + r * target.stride + p * kPanelRows;
      Floats total = (target.first ? zeros() : load_outputs(output, columns)) + sums[r][p];
      if (target.bias) total = total + bias;
      store_outputs(output, columns, total);
    }
  }
}

}  // namespace
}  // namespace polywen
