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
constexpr int64_t kChunksPerThread = 12;

// How long the caller waits for a chunk of a repeatable loop before it computes it as well: the time of some chunks.
constexpr int kPatience = 600;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <typename Condition>
bool spin_until(int spins, const Condition& condition) {
  for (int spin = 0; spin < spins; spin++) {
    if (condition()) return true;
    pause();
  }
  return false;
}

constexpr uint64_t kChunkMask = 0xffffffff;

}  // namespace

ThreadPool::ThreadPool(int threads) try : scratch_(kScratchFloats) {
  try {
    start_workers(threads - 1);
  } catch (...) {
    stop_workers();
    throw;
  }
} catch (const std::exception&) {
  throw Error("OUT_OF_MEMORY", {{"what", "the thread pool"}, {"requested", static_cast<double>(threads)}, {"unit", "threads"}});
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

void ThreadPool::run_items(int64_t items, int64_t grain, const Loop& loop) {
  if (items <= 0) return;
  const int64_t wanted = threads() * kChunksPerThread;
  const int64_t chunk = std::max(grain, (items + wanted - 1) / wanted);
  const int64_t chunks = (items + chunk - 1) / chunk;
  if (chunks == 1 || workers_.empty()) return loop.compute(loop.context, 0, items, nullptr);
  publish(loop, items, chunk, chunks);
  while (take_chunk(nullptr)) {
  }
  wait_for_chunks();
}

void ThreadPool::run_chunks(int64_t chunks, const Loop& loop) {
  float* scratch = scratch_.data();
  if (chunks == 1 || workers_.empty()) {
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
      loop.compute(loop.context, chunk, chunk + 1, scratch);
      loop.store(loop.context, chunk, scratch);
    }
    return;
  }
  const uint64_t epoch = publish(loop, chunks, 1, chunks);
  while (take_chunk(scratch)) {
  }
  if (spin_until(kPatience, [this] { return unfinished_.load(std::memory_order_acquire) == 0; })) return;
  repeat_late_chunks(loop, epoch, chunks);
  wait_for_chunks();
}

// Makes a loop known; returns its epoch.
uint64_t ThreadPool::publish(const Loop& loop, int64_t items, int64_t chunk, int64_t chunks) {
  const uint64_t epoch = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  compute_.store(loop.compute, std::memory_order_relaxed);
  store_.store(loop.store, std::memory_order_relaxed);
  context_.store(loop.context, std::memory_order_relaxed);
  items_.store(items, std::memory_order_relaxed);
  chunk_.store(chunk, std::memory_order_relaxed);
  unfinished_.store(static_cast<int32_t>(chunks), std::memory_order_relaxed);
  if (loop.store) {
    for (int64_t i = 0; i < chunks; i++) claims_[static_cast<size_t>(i)].store(2 * epoch, std::memory_order_relaxed);
  }
  ticket_.store(epoch << 32 | static_cast<uint64_t>(chunks), std::memory_order_release);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  return epoch;
}

void ThreadPool::wait_for_chunks() {
  const auto finished = [this] { return unfinished_.load(std::memory_order_acquire) == 0; };
  while (!spin_until(kSpins, finished)) {
    const int32_t rest = unfinished_.load(std::memory_order_acquire);
    if (rest != 0) unfinished_.wait(rest, std::memory_order_acquire);
  }
}

void ThreadPool::repeat_late_chunks(const Loop& loop, uint64_t epoch, int64_t chunks) {
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    if (claims_[static_cast<size_t>(chunk)].load(std::memory_order_relaxed) == 2 * epoch) compute_and_store(loop, epoch, chunk, scratch_.data());
  }
}

// Whoever computes a chunk first stores it. The claim is of this epoch only while the loop goes on: until it has ended,
// and it cannot end before everybody who has claimed a chunk has stored it.
void ThreadPool::compute_and_store(const Loop& loop, uint64_t epoch, int64_t chunk, float* scratch) {
  loop.compute(loop.context, chunk, chunk + 1, scratch);
  uint64_t unclaimed = 2 * epoch;
  if (!claims_[static_cast<size_t>(chunk)].compare_exchange_strong(unclaimed, unclaimed + 1, std::memory_order_acq_rel)) return;
  loop.store(loop.context, chunk, scratch);
  finish_chunk();
}

void ThreadPool::finish_chunk() {
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
}

// Does one chunk of the current loop; false if none is left.
bool ThreadPool::take_chunk(float* scratch) {
  uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while ((ticket & kChunkMask) != 0) {
    const Loop loop = {compute_.load(std::memory_order_relaxed), store_.load(std::memory_order_relaxed), context_.load(std::memory_order_relaxed)};
    const int64_t items = items_.load(std::memory_order_relaxed);
    const int64_t size = chunk_.load(std::memory_order_relaxed);
    if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    const int64_t chunks = (items + size - 1) / size;
    const int64_t chunk = chunks - static_cast<int64_t>(ticket & kChunkMask);
    if (loop.store) {
      compute_and_store(loop, ticket >> 32, chunk, scratch);
    } else {
      loop.compute(loop.context, chunk * size, std::min((chunk + 1) * size, items), nullptr);
      finish_chunk();
    }
    return true;
  }
  return false;
}

void ThreadPool::settle() {
  const auto idle = [this] { return computing_.load() == 0; };
  while (!spin_until(kSpins, idle)) {
    const int32_t computing = computing_.load();
    if (computing != 0) computing_.wait(computing);
  }
}

void ThreadPool::work() {
  std::array<float, kScratchFloats> scratch;
  const auto has_work = [this] { return (ticket_.load(std::memory_order_relaxed) & kChunkMask) != 0 || stopping_.load(std::memory_order_relaxed); };
  for (;;) {
    const int32_t epoch = epoch_.load();
    computing_.fetch_add(1);
    while (take_chunk(scratch.data())) {
    }
    if (computing_.fetch_sub(1) == 1) computing_.notify_one();
    if (stopping_.load()) return;
    if (!spin_until(kSpins, has_work)) epoch_.wait(epoch);
  }
}

}  // namespace polywen
