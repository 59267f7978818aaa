#include "device_speed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "buffer.h"

namespace polywen {
namespace {

constexpr size_t kReadBytes = size_t{256} << 20;   // more than the caches of a processor hold
constexpr size_t kReadBlock = size_t{256} << 10;
constexpr int kPasses = 8;
constexpr int64_t kArithmeticRounds = int64_t{1} << 20;  // some milliseconds
constexpr int kChunksPerThread = 4;

template <typename Work>
double seconds_of(const Work& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

// Keeps the compiler from leaving out what nobody looks at.
std::atomic<uint64_t> sink{0};

uint64_t sum_of(const char* bytes, size_t count) {
  uint64_t sums[8] = {};
  for (size_t at = 0; at < count; at += sizeof sums) {
    uint64_t values[8];
    memcpy(values, bytes + at, sizeof values);
    for (int lane = 0; lane < 8; lane++) sums[lane] += values[lane];
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total += sum;
  return total;
}

double best_read(ThreadPool& pool, const Control& control) {
  const Buffer buffer("the memory to read", kReadBytes);
  const int64_t blocks = kReadBytes / kReadBlock;
  // Pages that were never written all share one page of zeros.
  pool.run(blocks, 1, [&](int64_t begin, int64_t end) { memset(buffer.data() + begin * kReadBlock, 1, static_cast<size_t>(end - begin) * kReadBlock); });
  double best = 0;
  for (int pass = 0; pass < kPasses; pass++) {
    control.check();
    const double seconds = seconds_of([&] {
      pool.run(blocks, 1, [&](int64_t begin, int64_t end) {
        sink.fetch_add(sum_of(buffer.data() + begin * kReadBlock, static_cast<size_t>(end - begin) * kReadBlock), std::memory_order_relaxed);
      });
    });
    best = std::max(best, static_cast<double>(kReadBytes) / seconds);
  }
  return best;
}

double best_arithmetic(PeakLoop loop, ThreadPool& pool, const Control& control) {
  if (loop == nullptr) return 0;
  const int64_t chunks = int64_t{pool.threads()} * kChunksPerThread;
  double best = 0;
  for (int pass = 0; pass < kPasses; pass++) {
    control.check();
    std::atomic<int64_t> operations{0};
    const double seconds = seconds_of([&] {
      pool.run(chunks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t chunk = begin; chunk < end; chunk++) operations += loop(kArithmeticRounds);
      });
    });
    best = std::max(best, static_cast<double>(operations) / seconds);
  }
  return best;
}

}  // namespace

DeviceSpeed measure_speed(const Kernels& kernels, ThreadPool& pool, const Control& control) {
  return {best_read(pool, control), best_arithmetic(kernels.peak_int8, pool, control), best_arithmetic(kernels.peak_float, pool, control)};
}

}  // namespace polywen
