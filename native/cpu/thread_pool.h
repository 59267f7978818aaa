// Threads that share the items of one loop at a time.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace polywen {

// Items are taken in chunks from one counter, and only chunks that were taken are waited for: a thread whose core was
// stolen delays the chunk in its hands and nothing else; of a repeatable loop not even that. Waiting threads spin for
// some microseconds, then sleep.
class ThreadPool {
 public:
  static constexpr int64_t kMostChunks = 512;     // of a repeatable loop
  static constexpr int64_t kScratchFloats = 8192;  // for the results of one of its chunks

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
    run_items(items, grain, {[](const void* context, int64_t begin, int64_t end, float*) { (*static_cast<const Body*>(context))(begin, end); }, nullptr, &body});
  }

  // Calls body.compute(chunk, scratch) for each of at most kMostChunks chunks, and body.store(chunk, scratch) once for
  // each, with what one of them computed. Where the thread that took a chunk is late, its core stolen perhaps, the
  // caller computes it as well; who is first stores. So a late thread may still compute, for nothing, when this has
  // returned: `body` and all memory that compute reads must stay, whatever it then holds, until `settle`.
  template <typename Body>
  void run_repeatable(int64_t chunks, const Body& body) {
    run_chunks(chunks, {[](const void* context, int64_t chunk, int64_t, float* scratch) { static_cast<const Body*>(context)->compute(chunk, scratch); },
                        [](const void* context, int64_t chunk, const float* scratch) { static_cast<const Body*>(context)->store(chunk, scratch); }, &body});
  }

  // Waits until no thread computes any more.
  void settle();

 private:
  struct Loop {
    void (*compute)(const void* context, int64_t begin, int64_t end, float* scratch);
    void (*store)(const void* context, int64_t chunk, const float* scratch);  // null: not repeatable
    const void* context;
  };

  void run_items(int64_t items, int64_t grain, const Loop& loop);
  void run_chunks(int64_t chunks, const Loop& loop);
  uint64_t publish(const Loop& loop, int64_t items, int64_t chunk, int64_t chunks);
  void wait_for_chunks();
  void repeat_late_chunks(const Loop& loop, uint64_t epoch, int64_t chunks);
  void start_workers(int count);
  void stop_workers();
  bool take_chunk(float* scratch);
  void compute_and_store(const Loop& loop, uint64_t epoch, int64_t chunk, float* scratch);
  void finish_chunk();
  void work();

  // Epoch of the loop (upper half) and chunks that nobody has taken yet (lower half). A thread reads the loop below
  // and then takes a chunk by compare-and-exchange: success proves that what it read belongs to this epoch, because
  // the loop is only written while no chunk is left.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int32_t> epoch_{0};  // what sleeping workers wait on
  std::atomic<int32_t> unfinished_{0};
  std::atomic<int32_t> computing_{0};  // workers that have or may take a chunk
  std::atomic<bool> stopping_{false};

  std::atomic<decltype(Loop::compute)> compute_{nullptr};
  std::atomic<decltype(Loop::store)> store_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<int64_t> items_{0};
  std::atomic<int64_t> chunk_{0};

  // Of a repeatable loop: twice the epoch while a chunk is to be stored, one more as soon as somebody stores it. A
  // thread that comes late finds another epoch.
  std::array<std::atomic<uint64_t>, kMostChunks> claims_{};

  std::vector<float> scratch_;  // of the caller
  std::vector<std::thread> workers_;
};

}  // namespace polywen
