// One run of a program: its operations, one overload each.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "attention_loop.h"
#include "indices.h"
#include "linear_loop.h"
#include "program.h"
#include "thread_pool.h"

namespace polywen {

// Called where a run can stand still. May throw to end it.
using Pause = std::function<void()>;

class Run {
 public:
  // Linear operations over one input go together: as many at a time as there are queries, keys and values.
  static constexpr size_t kMostTogether = LinearLoop::kMostParts;

  // With a `pause` operations of many items are done in portions, and it is called between them.
  Run(const Program& program, const std::vector<int64_t>& sizes, const Kernels& kernels, ThreadPool& pool, bool int8, Pause pause)
      : program_(program), sizes_(sizes), kernels_(kernels), pool_(pool), int8_(int8), pause_(std::move(pause)) {}
  // Late threads read what this owns, and the memory of the program.
  ~Run() { pool_.settle(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Lays pages out as the attention of this program reads them.
  void arrange_pages();

  void operator()(const Embedding&);
  void operator()(const Gather&);
  void operator()(const Linear& operation) {
    const Linear* const alone[] = {&operation};
    run_linear(alone);
  }
  void operator()(const Norm&);
  void operator()(const Rotary&);
  void operator()(const Activate&);
  void operator()(const Combine&);
  void operator()(const Scale&);
  void operator()(const Attention&);
  void operator()(const Store&);
  void operator()(const Route&);
  void operator()(const Experts&);
  void operator()(const Sample&);
  // Several linear operations over the same input.
  void run_linear(std::span<const Linear* const> operations);

 private:
  const Tensor& tensor(int id) const { return program_.tensor(id); }
  int64_t rows(int id) const { return tensor(id).rows.resolve(sizes_); }
  int64_t elements(int id) const { return rows(id) * tensor(id).row_length(); }
  float* floats(int id) const { return id < 0 ? nullptr : reinterpret_cast<float*>(tensor(id).data); }
  int32_t* integers(int id) const { return id < 0 ? nullptr : reinterpret_cast<int32_t*>(tensor(id).data); }
  IndexSource source(const char* operation, int id) const { return {operation, tensor(id).name}; }

  // Rows of work items of `row_length` elements.
  template <typename Body>
  void for_rows(int64_t count, int64_t row_length, const Body& body) {
    constexpr int64_t kGrainElements = 16384;
    share(count, std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, row_length)), body);
  }

  // See `ThreadPool::run`. With a pause, in portions of some milliseconds: each costs a barrier. The first shows how long items take.
  template <typename Body>
  void share(int64_t items, int64_t grain, const Body& body) {
    constexpr std::chrono::nanoseconds kPortion = std::chrono::milliseconds(8);
    const int64_t least = 4 * grain * pool_.threads();
    int64_t portion = pause_ ? least : items;
    for (int64_t first = 0; first < items;) {
      if (first > 0) pause_();
      const auto started = std::chrono::steady_clock::now();
      const int64_t count = std::min(portion, items - first);
      pool_.run(count, grain, [&](int64_t begin, int64_t end) { body(first + begin, first + end); });
      first += count;
      const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - started;
      portion = std::max(least, static_cast<int64_t>(static_cast<double>(count) * kPortion.count() / std::max<int64_t>(1, taken.count())));
    }
  }

  QuantisedInput quantise(const Linear&);
  QuantisedInput quantise(const float* input, int64_t count, int width);  // into the program's room
  LinearArgs linear_args(const Linear&);
  void run_tall(std::span<const LinearArgs> parts);
  void check_embedding(const Embedding&) const;
  int block_rows(const AttentionArgs& args) const;
  void check_attention(const Attention&);
  void check_pages(const Attention&, int64_t page_limit) const;
  void check_history(const Sample&) const;

  const Program& program_;
  const std::vector<int64_t>& sizes_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  const bool int8_;
  const Pause pause_;
  int quantised_ = -1;  // the tensor whose quantised form the program's room holds: neighbours often share an input
  // Those that late threads may still be in.
  std::deque<LinearLoop> linear_loops_;
  std::deque<AttentionLoop> attention_loops_;
  std::vector<float> expert_rows_, expert_gates_, expert_ups_;  // scratch of experts, kept for the next layer
  // The index tensors of attention that are known to be good: all layers share them.
  std::vector<std::array<int64_t, 5>> checked_;
};

}  // namespace polywen
