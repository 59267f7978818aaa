#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels.h"
#include "numbers.h"

namespace polywen::generic {
namespace {

// Codes to nearest even within -127..127. Where nothing is larger than 2^-100 all are zero. An input that is not
// finite makes the scale infinite or NaN, so that no output hides it.
void quantise_group(const float* input, int group, InputBlock& block) {
  uint32_t largest = 0;
  for (int k = 0; k < kGroup; k++) {
    uint32_t bits;
    memcpy(&bits, input + k, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffff);
  }
  const float magnitude = float_of_bits(largest);
  const bool finite = std::isfinite(magnitude), zero = magnitude < 0x1p-100f;
  block.scales[group] = zero ? 0 : magnitude / 127;
  const float inverse = zero || !finite ? 0 : 127 / magnitude;
  for (int half = 0; half < 2; half++) {
    int sum = 0;
    for (int k = half * kGroup / 2; k < (half + 1) * kGroup / 2; k++) {
      const int code = finite ? static_cast<int>(std::nearbyint(input[k] * inverse)) : 0;
      block.codes[group * kGroup + k] = static_cast<int8_t>(code);
      sum += code;
    }
    block.half_sums[2 * group + half] = static_cast<int16_t>(sum);
  }
  block.sums[group] = block.half_sums[2 * group] + block.half_sums[2 * group + 1];
  block.products[group] = block.scales[group] * static_cast<float>(block.sums[group]);
}

}  // namespace

void quantise(const QuantiseArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    for (int first = 0; first < args.width; first += kLinearBlock) {
      InputBlock& block = args.blocks[static_cast<size_t>(first / kLinearBlock) * args.rows + row];
      const float* input = args.input + static_cast<size_t>(row) * args.width + first;
      const int groups = std::min(kLinearBlock, args.width - first) / kGroup;
      if (groups < kBlockGroups) memset(&block, 0, sizeof block);
      for (int group = 0; group < groups; group++) quantise_group(input + group * kGroup, group, block);
    }
  }
}

}  // namespace polywen::generic
