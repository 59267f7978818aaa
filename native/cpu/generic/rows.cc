#include <algorithm>

#include "../pack.h"
#include "kernels.h"

namespace polywen::generic {

void embedding(const EmbeddingArgs& args, int begin, int end) {
  const int width = args.table.in;
  for (int row = begin; row < end; row++) {
    float* output = args.output + static_cast<size_t>(row) * width;
    if (args.media_index && args.media_index[row] >= 0) {
      std::copy_n(args.media + static_cast<size_t>(args.media_index[row]) * width, width, output);
    } else {
      unpack_row(args.table, args.ids[row], output);
    }
  }
}

namespace {

void gather_row(const GatherArgs& args, int32_t index, float* output) {
  if (index < 0) {
    std::fill_n(output, args.width, 0.0f);
  } else {
    std::copy_n(args.source + static_cast<size_t>(index) * args.width, args.width, output);
  }
}

void average_rows(const GatherArgs& args, const int32_t* indices, float* output) {
  gather_row(args, indices[0], output);
  for (int tap = 1; tap < args.taps; tap++) {
    if (indices[tap] < 0) continue;
    const float* source = args.source + static_cast<size_t>(indices[tap]) * args.width;
    for (int i = 0; i < args.width; i++) output[i] += source[i];
  }
  const float taps = static_cast<float>(args.taps);
  for (int i = 0; i < args.width; i++) output[i] /= taps;
}

}  // namespace

void gather(const GatherArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const int32_t* indices = args.indices + static_cast<size_t>(row) * args.taps;
    if (args.mean) {
      average_rows(args, indices, args.output + static_cast<size_t>(row) * args.width);
      continue;
    }
    float* output = args.output + static_cast<size_t>(row) * args.taps * args.width;
    for (int tap = 0; tap < args.taps; tap++) gather_row(args, indices[tap], output + static_cast<size_t>(tap) * args.width);
  }
}

}  // namespace polywen::generic
