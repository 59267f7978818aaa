#include <algorithm>

#include "../pack.h"
#include "kernels.h"
#include "numbers.h"
#include "panel_outputs.h"

namespace polywen::generic {
namespace {

// `depth` inputs of a panel, from input `first` on, as f32 [depth][16] in row order.
void unpack_block(const Matrix& weight, int panel, int first, int depth, float* block) {
  if (is_quantised(weight.storage)) return unpack_panel(weight, panel, first, depth, block);
  const size_t start = (static_cast<size_t>(panel) * weight.in + first) * kPanelRows;
  const int count = depth * kPanelRows;
  if (weight.storage == Storage::f32) {
    std::copy_n(static_cast<const float*>(weight.panels) + start, count, block);
    return;
  }
  const uint16_t* source = static_cast<const uint16_t*>(weight.panels) + start;
  if (weight.storage == Storage::f16) {
    for (int i = 0; i < count; i++) block[i] = float_of_f16(source[i]);
    return;
  }
  constexpr int half = kPanelRows / 2;
  for (int k = 0; k < depth; k++, source += kPanelRows, block += kPanelRows) {
    for (int row = 0; row < half; row++) {
      block[row] = float_of_bf16(source[2 * row]);
      block[row + half] = float_of_bf16(source[2 * row + 1]);
    }
  }
}

}  // namespace

void linear(const LinearArgs& args, int begin, int end) {
  if (args.quantised.blocks) return linear_int8(args, begin, end);
  const Matrix& weight = args.weight;
  float block[kLinearBlock * kPanelRows];
  for (int panel = begin; panel < end; panel++) {
    for (int first = 0; first < weight.in; first += kLinearBlock) {
      const int depth = std::min(kLinearBlock, weight.in - first);
      const bool last = first + depth == weight.in;
      unpack_block(weight, panel, first, depth, block);
      for (int row = 0; row < args.rows; row++) {
        const float* input = args.input + static_cast<size_t>(row) * weight.in + first;
        float sums[kPanelRows] = {};
        for (int k = 0; k < depth; k++) {
          for (int j = 0; j < kPanelRows; j++) sums[j] = multiply_add(input[k], block[k * kPanelRows + j], sums[j]);
        }
        add_to_outputs(args, row, panel, first == 0, last, sums);
      }
    }
  }
}

}  // namespace polywen::generic
