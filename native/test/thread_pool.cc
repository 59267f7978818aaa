// The thread pool: every item exactly once, for any count, grain and number of threads, in rapid succession; and no
// waiting for a thread that is stuck.
#include "../cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

void test_each_item_once(ThreadPool& pool) {
  for (int round = 0; round < 3000; round++) {
    const int64_t items = random_int(0, 200), grain = random_int(1, 20);
    std::vector<std::atomic<int>> counts(static_cast<size_t>(items));
    pool.run(items, grain, [&](int64_t begin, int64_t end) {
      if (begin < 0 || end > items || begin >= end) fail("a chunk is out of range");
      if (end - begin < grain && end != items) fail("a chunk is smaller than the grain");
      for (int64_t i = begin; i < end; i++) counts[static_cast<size_t>(i)]++;
    });
    for (const std::atomic<int>& count : counts) {
      if (count != 1) fail("an item was done " + std::to_string(count) + " times");
    }
  }
}

// What one loop writes, the next one reads on other threads.
void test_visibility(ThreadPool& pool) {
  std::vector<int> values(1000, 0);
  for (int round = 0; round < 2000; round++) {
    pool.run(1000, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) values[static_cast<size_t>(999 - i)]++;
    });
  }
  for (const int value : values) {
    if (value != 2000) fail("a write was lost");
  }
}

// Workers that have gone to sleep wake up again.
void test_sleep(ThreadPool& pool) {
  for (int round = 0; round < 20; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int64_t> sum{0};
    pool.run(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    if (sum != 100) fail("items were lost after a pause");
  }
}

// A thread that is stuck holds up its own chunk only: all others are done meanwhile.
void test_stuck_thread() {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  pool.run(8, 1, [&](int64_t begin, int64_t) {
    if (begin == 0) {
      for (int wait = 0; done < 7 && wait < 5000; wait++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (done != 7) fail("chunks waited for a stuck thread");
    }
    done++;
  });
  if (done != 8) fail("a chunk is missing");
}

// Squares numbers by way of scratch, and says how often each was stored.
struct Squares {
  std::vector<int> values;
  mutable std::vector<std::atomic<int>> stored;
  mutable std::vector<float> results;
  explicit Squares(int64_t chunks) : values(static_cast<size_t>(chunks)), stored(values.size()), results(values.size()) {
    for (int& value : values) value = static_cast<int>(random_int(0, 1000));
  }
  void compute(int64_t chunk, float* scratch) const { scratch[0] = static_cast<float>(values[static_cast<size_t>(chunk)] * values[static_cast<size_t>(chunk)]); }
  void store(int64_t chunk, const float* scratch) const {
    stored[static_cast<size_t>(chunk)]++;
    results[static_cast<size_t>(chunk)] = scratch[0];
  }
  void check() const {
    for (size_t i = 0; i < values.size(); i++) {
      if (stored[i] != 1) fail("a chunk was stored " + std::to_string(stored[i]) + " times");
      if (results[i] != static_cast<float>(values[i] * values[i])) fail("a chunk has another's result");
    }
  }
};

void test_repeatable(ThreadPool& pool) {
  std::deque<Squares> loops;  // late threads may still read one
  for (int round = 0; round < 2000; round++) {
    const Squares& loop = loops.emplace_back(random_int(1, round % 100 == 0 ? ThreadPool::kMostChunks : 20));
    pool.run_repeatable(static_cast<int64_t>(loop.values.size()), loop);
    loop.check();
  }
  pool.settle();
  for (const Squares& loop : loops) loop.check();
}

// A thread that is stuck in a chunk of a repeatable loop holds nothing up: its chunk is done by the caller, loops after
// it go on, and what it has at last is thrown away.
struct Stuck {
  std::thread::id caller = std::this_thread::get_id();
  mutable std::atomic<bool> taken{false}, released{false};
  mutable std::atomic<int> stored{0}, left{0};
  void compute(int64_t, float* scratch) const {
    scratch[0] = 1;
    if (std::this_thread::get_id() == caller) {
      while (!taken) std::this_thread::yield();
      return;
    }
    taken = true;
    while (!released) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    scratch[0] = 2;
    left++;
  }
  void store(int64_t, const float* scratch) const {
    if (scratch[0] != 1) fail("a late result was stored");
    stored++;
  }
};

void test_stuck_in_repeatable() {
  ThreadPool pool(2);
  const Stuck stuck;
  pool.run_repeatable(2, stuck);
  if (stuck.stored != 2 || stuck.left != 0) fail("a repeatable loop waited for a stuck thread");
  const Squares next(30);
  pool.run_repeatable(30, next);
  next.check();
  stuck.released = true;
  pool.settle();
  if (stuck.stored != 2 || stuck.left != 1) fail("a late thread is not waited for, or stored something");
}

}  // namespace

int main() {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    if (pool.threads() != threads) fail("threads are miscounted");
    test_each_item_once(pool);
    test_visibility(pool);
    test_sleep(pool);
    test_repeatable(pool);
  }
  test_stuck_thread();
  test_stuck_in_repeatable();
  for (int i = 0; i < 200; i++) ThreadPool pool(3);  // start and stop
  return failures ? 1 : 0;
}
