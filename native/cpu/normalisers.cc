#include "normalisers.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "scores.h"

namespace polywen {
namespace {

// An integer that sorts like a float: NaN lies beyond the infinities. Compilers make vectors of integer comparisons.
int32_t order_of(float value) {
  const int32_t bits = std::bit_cast<int32_t>(value);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// NaN if a value is NaN or infinity.
float largest(const float* values, int64_t count) {
  int32_t least = order_of(INFINITY), greatest = order_of(-INFINITY);
  for (int64_t i = 0; i < count; i++) {
    const int32_t order = order_of(values[i]);
    least = std::min(least, order);
    greatest = std::max(greatest, order);
  }
  if (least < order_of(-INFINITY) || greatest >= order_of(INFINITY)) return NAN;
  return std::bit_cast<float>(greatest ^ ((greatest >> 31) & 0x7fffffff));
}

// The largest of pieces; NaN if it is no number to subtract.
float largest_of_pieces(const float* maxima, int64_t pieces) {
  const float maximum = largest(maxima, pieces);
  return maximum == -INFINITY ? NAN : maximum;
}

}  // namespace

std::vector<double> normalisers(ThreadPool& pool, const Kernels& kernels, const float* logits, int64_t rows, int64_t vocabulary) {
  const int64_t pieces = Scores(logits, vocabulary).pieces(), all = rows * pieces;
  std::vector<float> maxima(static_cast<size_t>(all));
  std::vector<double> sums(static_cast<size_t>(all)), result(static_cast<size_t>(rows));
  pool.run(all, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const int64_t first = item % pieces * kScorePiece;
      maxima[static_cast<size_t>(item)] = largest(logits + item / pieces * vocabulary + first, std::min(kScorePiece, vocabulary - first));
    }
  });
  const auto maximum_of = [&](int64_t row) { return largest_of_pieces(maxima.data() + row * pieces, pieces); };
  pool.run(all, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const int64_t row = item / pieces;
      const float maximum = maximum_of(row);
      if (std::isnan(maximum)) continue;
      sums[static_cast<size_t>(item)] = Scores(logits + row * vocabulary, vocabulary).sum_of_piece(kernels, item % pieces, maximum, 1);
    }
  });
  for (int64_t row = 0; row < rows; row++) {
    double sum = 0;
    for (int64_t piece = 0; piece < pieces; piece++) sum += sums[static_cast<size_t>(row * pieces + piece)];
    result[static_cast<size_t>(row)] = maximum_of(row) + std::log(sum);
  }
  return result;
}

}  // namespace polywen
