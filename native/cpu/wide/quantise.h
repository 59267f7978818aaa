// Inputs as codes of 8 bits; as in the generic tier, to the bit.
#pragma once
#include "panel_outputs.h"

namespace polywen {
namespace {

inline void quantise_group(const float* input, int group, InputBlock& block) {
  const Floats values[2] = {load(input), load(input + kLanes)};
  // As integers, so that NaN is larger than any number.
  const int bits = largest_lane(maximum(bits_of(magnitude(values[0])), bits_of(magnitude(values[1]))));
  const float largest = __builtin_bit_cast(float, bits);
  const bool finite = bits < 0x7f800000, zero = largest < 0x1p-100f;
  block.scales[group] = zero ? 0 : largest / 127;
  const Floats inverse = broadcast(zero || !finite ? 0.0f : 127 / largest);
  int sum = 0;
  UNROLL
  for (int half = 0; half < 2; half++) {
    const Integers codes = finite ? to_integers(values[half] * inverse) : broadcast(0);
    store_low_bytes(block.codes + group * kGroup + half * kLanes, codes);
    const int part = sum_of_lanes(codes);
    block.half_sums[2 * group + half] = static_cast<int16_t>(part);
    sum += part;
  }
  block.sums[group] = sum;
  block.products[group] = block.scales[group] * static_cast<float>(sum);
}

inline void quantise_rows(const QuantiseArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    for (int first = 0; first < args.width; first += kLinearBlock) {
      InputBlock& block = args.blocks[static_cast<ptrdiff_t>(first / kLinearBlock) * args.rows + row];
      const float* input = args.input + static_cast<ptrdiff_t>(row) * args.width + first;
      const int groups = smaller(kLinearBlock, args.width - first) / kGroup;
      if (groups < kBlockGroups) block = InputBlock{};
      for (int group = 0; group < groups; group++) quantise_group(input + group * kGroup, group, block);
    }
  }
}

}  // namespace
}  // namespace polywen
