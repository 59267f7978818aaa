// Outputs of a panel: 16 of a row, fewer at its end. Internal linkage, as in numbers.h.
#pragma once
#include <algorithm>

#include "../kernels.h"

namespace polywen::generic {

// Adds the sums over a block of inputs to the outputs of a row: the first block finds nothing there, the last one adds the bias.
static inline void add_to_outputs(const LinearArgs& args, int row, int panel, bool first, bool last, const float* sums) {
  const int column = panel * kPanelRows;
  const int columns = std::min(kPanelRows, args.weight.out - column);
  float* output = args.output + static_cast<size_t>(row) * args.weight.out + column;
  for (int j = 0; j < columns; j++) {
    float total = (first ? 0 : output[j]) + sums[j];
    if (last && args.bias) total += args.bias[column + j];
    output[j] = total;
  }
}

}  // namespace polywen::generic
