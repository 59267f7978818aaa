// Threads that share the items of one loop at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace polywen {

// Items are taken in chunks from one counter, and only chunks that were taken are waited for: a thread whose core was
// stolen delays the chunk in its hands and nothing else. Waiting threads spin for some microseconds, then sleep.
class ThreadPool {
 public:
  // `threads` counts the caller of `run`, so 1 starts none. Throws OUT_OF_MEMORY where no thread can be had.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(begin, end) until [0, items) is done, each call with at least `grain` items except the last. `body`
  // must not throw. One thread at a time may call `run`, and not from inside a body.
  template <typename Body>
  void run(int64_t items, int64_t grain, const Body& body) {
    run_erased(items, grain, [](const void* context, int64_t begin, int64_t end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
  }

 private:
  using Function = void (*)(const void* context, int64_t begin, int64_t end);

  void run_erased(int64_t items, int64_t grain, Function function, const void* context);
  void start_workers(int count);
  void stop_workers();
  bool take_chunk();
  void work();

  // Epoch of the loop (upper half) and chunks that nobody has taken yet (lower half). A thread reads the loop below
  // and then takes a chunk by compare-and-exchange: success proves that what it read belongs to this epoch, because
  // the loop is only written while no chunk is left.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int32_t> epoch_{0};  // what sleeping workers wait on
  std::atomic<int32_t> unfinished_{0};
  std::atomic<bool> stopping_{false};

  std::atomic<Function> function_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<int64_t> items_{0};
  std::atomic<int64_t> chunk_{0};

  std::vector<std::thread> workers_;
};

}  // namespace polywen
