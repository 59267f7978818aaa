// How a long call is watched and stopped from another thread.
#pragma once
#include <atomic>
#include <cstdint>

#include "error.h"

namespace polywen {

class Control {
 public:
  void abort() { aborted_.store(true, std::memory_order_relaxed); }
  bool aborted() const { return aborted_.load(std::memory_order_relaxed); }
  void check() const {
    if (aborted()) throw Error("ABORTED", {});
  }

  // Bytes of work finished so far.
  void advance(int64_t bytes) { done_.fetch_add(bytes, std::memory_order_relaxed); }
  int64_t done() const { return done_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> aborted_{false};
  std::atomic<int64_t> done_{0};
};

}  // namespace polywen
