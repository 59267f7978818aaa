#include <algorithm>
#include <cmath>

#include "kernels.h"

namespace polywen::generic {
namespace {

constexpr int kChunk = 64;  // frequencies whose cosines and sines are held at a time

struct Turn {
  float cosine[kChunk];
  float sine[kChunk];
};

// The angle is the f32 product that other implementations round to; its cosine and sine are evaluated in double.
void fill_turn(const RotaryArgs& args, int row, int first, int count, Turn& turn) {
  const int32_t* positions = args.positions + static_cast<size_t>(row) * args.position_axes;
  const float* frequencies = args.frequencies + (args.set ? static_cast<size_t>(args.set[row]) * args.count : 0);
  for (int i = 0; i < count; i++) {
    const float angle = static_cast<float>(positions[args.axes[first + i]]) * frequencies[first + i];
    turn.cosine[i] = static_cast<float>(std::cos(static_cast<double>(angle))) * args.scale;
    turn.sine[i] = static_cast<float>(std::sin(static_cast<double>(angle))) * args.scale;
  }
}

}  // namespace

void rotary(const RotaryArgs& args, int begin, int end) {
  Turn turn;
  for (int row = begin; row < end; row++) {
    const size_t start = static_cast<size_t>(row) * args.heads * args.width;
    for (int first = 0; first < args.count; first += kChunk) {
      const int count = std::min(kChunk, args.count - first);
      fill_turn(args, row, first, count, turn);
      for (int head = 0; head < args.heads; head++) {
        const float* input = args.input + start + static_cast<size_t>(head) * args.width + first;
        float* output = args.output + start + static_cast<size_t>(head) * args.width + first;
        for (int i = 0; i < count; i++) {
          const float low = input[i], high = input[i + args.count];
          output[i] = low * turn.cosine[i] - high * turn.sine[i];
          output[i + args.count] = high * turn.cosine[i] + low * turn.sine[i];
        }
      }
    }
    const int turned = 2 * args.count;
    for (int head = 0; head < args.heads && turned < args.width; head++) {
      const size_t rest = start + static_cast<size_t>(head) * args.width + turned;
      std::copy_n(args.input + rest, args.width - turned, args.output + rest);
    }
  }
}

}  // namespace polywen::generic
