// The thread pool: every item exactly once, for any count, grain and number of threads, in rapid succession.
#include "../cpu/thread_pool.h"

#include <atomic>
#include <chrono>
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

}  // namespace

int main() {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    if (pool.threads() != threads) fail("threads are miscounted");
    test_each_item_once(pool);
    test_visibility(pool);
    test_sleep(pool);
  }
  test_stuck_thread();
  for (int i = 0; i < 200; i++) ThreadPool pool(3);  // start and stop
  return failures ? 1 : 0;
}
