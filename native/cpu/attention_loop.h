// Attention of few rows, as one repeatable loop over the key heads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels.h"
#include "thread_pool.h"

namespace polywen {

struct AttentionLoop {
  AttentionArgs args;
  void (*kernel)(const AttentionArgs&, int begin, int end);

  // False where the rows are more than one block, or a thread has no room for their results.
  static bool fits(const AttentionArgs& args) {
    return args.rows > 0 && args.rows <= kAttentionRows && args.key_heads <= ThreadPool::kMostChunks &&
           int64_t{args.rows} * args.heads * args.width <= ThreadPool::kScratchFloats;
  }

  // Scratch is like the output, of which a key head fills its part.
  void compute(int64_t key_head, float* scratch) const {
    AttentionArgs own = args;
    own.output = scratch;
    kernel(own, static_cast<int>(key_head), static_cast<int>(key_head) + 1);
  }

  void store(int64_t key_head, const float* scratch) const {
    const int64_t part = int64_t{args.heads / args.key_heads} * args.width;
    for (int64_t row = 0; row < args.rows; row++) {
      const int64_t begin = row * args.heads * args.width + key_head * part;
      std::copy_n(scratch + begin, part, args.output + begin);
    }
  }
};

}  // namespace polywen
