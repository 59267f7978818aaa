// Linear operations of few rows over the same input, as one repeatable loop.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "kernels.h"

namespace polywen {

class LinearLoop {
 public:
  static constexpr size_t kMostParts = 4;

  // False where a chunk would have more results than a thread has room for.
  static bool fits(std::span<const LinearArgs> parts);

  // What the parts point to must stay.
  LinearLoop(void (*kernel)(const LinearArgs&, int begin, int end), std::span<const LinearArgs> parts);

  int64_t chunks() const { return chunks_; }
  void compute(int64_t chunk, float* scratch) const;
  void store(int64_t chunk, const float* scratch) const;

 private:
  struct Part {
    LinearArgs args;
    int per_chunk;  // panels of a chunk; the last one has what is left
    int64_t first_chunk;
  };
  // A chunk as a linear operation of its own, which writes to scratch.
  struct Piece {
    const Part& part;
    int column;  // the first
    int columns;
  };
  Piece piece(int64_t chunk) const;

  void (*kernel_)(const LinearArgs&, int begin, int end);
  std::array<Part, kMostParts> parts_;
  size_t count_ = 0;
  int64_t chunks_ = 0;
};

}  // namespace polywen
