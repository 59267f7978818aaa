#include "thread_pool.h"

#include <algorithm>
#include <system_error>

#include "error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace polywen {
namespace {

// About 40 microseconds: longer than the pauses between the loops of one step, shorter than anyone would notice.
constexpr int kSpins = 2000;

// Chunks per thread: enough to even out threads of different speed.
constexpr int64_t kChunksPerThread = 4;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <typename Condition>
bool spin_until(const Condition& condition) {
  for (int spin = 0; spin < kSpins; spin++) {
    if (condition()) return true;
    pause();
  }
  return false;
}

constexpr uint64_t kChunkMask = 0xffffffff;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  try {
    start_workers(threads - 1);
  } catch (const std::system_error&) {
    stop_workers();
    throw Error("OUT_OF_MEMORY", {{"what", "the thread pool"}, {"requested", static_cast<double>(threads)}, {"unit", "threads"}});
  }
}

ThreadPool::~ThreadPool() { stop_workers(); }

void ThreadPool::start_workers(int count) {
  workers_.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) workers_.emplace_back([this] { work(); });
}

void ThreadPool::stop_workers() {
  stopping_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(int64_t items, int64_t grain, Function function, const void* context) {
  if (items <= 0) return;
  const int64_t wanted = threads() * kChunksPerThread;
  const int64_t chunk = std::max(grain, (items + wanted - 1) / wanted);
  const int64_t chunks = (items + chunk - 1) / chunk;
  if (chunks == 1 || workers_.empty()) return function(context, 0, items);

  function_.store(function, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  items_.store(items, std::memory_order_relaxed);
  chunk_.store(chunk, std::memory_order_relaxed);
  unfinished_.store(static_cast<int32_t>(chunks), std::memory_order_relaxed);
  const uint64_t epoch = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(epoch << 32 | static_cast<uint64_t>(chunks), std::memory_order_release);
  epoch_.fetch_add(1);
  epoch_.notify_all();

  while (take_chunk()) {
  }
  const auto finished = [this] { return unfinished_.load(std::memory_order_acquire) == 0; };
  while (!spin_until(finished)) {
    const int32_t rest = unfinished_.load(std::memory_order_acquire);
    if (rest != 0) unfinished_.wait(rest, std::memory_order_acquire);
  }
}

// Does one chunk of the current loop; false if none is left.
bool ThreadPool::take_chunk() {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while ((ticket & kChunkMask) != 0) {
    const Function function = function_.load(std::memory_order_relaxed);
    const void* context = context_.load(std::memory_order_relaxed);
    const int64_t items = items_.load(std::memory_order_relaxed);
    const int64_t chunk = chunk_.load(std::memory_order_relaxed);
    if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    const int64_t chunks = (items + chunk - 1) / chunk;
    const int64_t begin = (chunks - static_cast<int64_t>(ticket & kChunkMask)) * chunk;
    function(context, begin, std::min(begin + chunk, items));
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    return true;
  }
  return false;
}

void ThreadPool::work() {
  const auto has_work = [this] { return (ticket_.load(std::memory_order_relaxed) & kChunkMask) != 0 || stopping_.load(std::memory_order_relaxed); };
  for (;;) {
    const int32_t epoch = epoch_.load();
    while (take_chunk()) {
    }
    if (stopping_.load()) return;
    if (!spin_until(has_work)) epoch_.wait(epoch);
  }
}

}  // namespace polywen
