#include <algorithm>

#include "../pack.h"
#include "kernels.h"
#include "numbers.h"
#include "panel_outputs.h"

namespace polywen::generic {
namespace {

// Adds a group of inputs to the sums of a panel.
void add_group(const Slab& slab, const BlockFormat& format, const InputBlock& input, int group, float* sums) {
  for (int row = 0; row < kPanelRows; row++) {
    int dot = 0, min = 0;
    for (int half = 0; half < 2; half++) {
      int part = 0;
      for (int k = half * kGroup / 2; k < (half + 1) * kGroup / 2; k++) part += (slab.codes[k][row] - slab.zero) * input.codes[group * kGroup + k];
      dot += part * (format.halves ? slab.multipliers[half][row] : 1);
      min += slab.min_multipliers[half][row] * input.half_sums[2 * group + half];
    }
    const float scale = format.halves ? slab.scales[row] : slab.scales[row] * static_cast<float>(slab.multipliers[0][row]);
    sums[row] = multiply_add(static_cast<float>(dot), scale * input.scales[group], sums[row]);
    if (!format.mins) continue;
    if (format.halves) sums[row] = multiply_add(static_cast<float>(-min), slab.mins[row] * input.scales[group], sums[row]);
    else sums[row] = multiply_add(-(slab.mins[row] * static_cast<float>(slab.min_multipliers[0][row])), input.products[group], sums[row]);
  }
}

}  // namespace

void linear_int8(const LinearArgs& args, int begin, int end) {
  const Matrix& weight = args.weight;
  const BlockFormat format = block_format(weight.storage);
  for (int panel = begin; panel < end; panel++) {
    const uint8_t* data = static_cast<const uint8_t*>(weight.panels) + panel * panel_bytes(weight.storage, weight.in);
    for (int first = 0; first < weight.in; first += kLinearBlock) {
      const int groups = std::min(kLinearBlock, weight.in - first) / kGroup;
      const bool last = first + groups * kGroup == weight.in;
      Slab slabs[kBlockGroups];
      for (int group = 0; group < groups; group++) unpack_slab(weight.storage, data, first / kGroup + group, slabs[group]);
      for (int row = 0; row < args.rows; row++) {
        const InputBlock& input = args.quantised.blocks[static_cast<size_t>(first / kLinearBlock) * args.quantised.stride + row];
        float sums[kPanelRows] = {};
        for (int group = 0; group < groups; group++) add_group(slabs[group], format, input, group, sums);
        add_to_outputs(args, row, panel, first == 0, last, sums);
      }
    }
  }
}

}  // namespace polywen::generic
