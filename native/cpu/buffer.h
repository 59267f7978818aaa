// Zeroed memory on cache line boundaries. Pages that are never touched cost nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "error.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace polywen {

class Buffer {
 public:
  Buffer() = default;

  // Throws OUT_OF_MEMORY, naming `what`.
  Buffer(const std::string& what, size_t bytes) : bytes_(bytes) {
    if (bytes > SIZE_MAX - kAlignment) throw out_of_memory(what, static_cast<double>(bytes));
    memory_.reset(std::calloc(bytes + kAlignment, 1));
    if (!memory_) throw out_of_memory(what, static_cast<double>(bytes));
    const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get());
    data_ = static_cast<char*>(memory_.get()) + (kAlignment - address % kAlignment) % kAlignment;
    use_huge_pages();
  }

  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kAlignment = 64;

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  // A hint: weights are read from end to end at every step, and 4 KiB pages would exhaust the translation caches.
  void use_huge_pages() {
#ifdef __linux__
    constexpr uintptr_t huge = uintptr_t{2} << 20;
    const uintptr_t first = (reinterpret_cast<uintptr_t>(data_) + huge - 1) / huge * huge;
    const uintptr_t last = (reinterpret_cast<uintptr_t>(data_) + bytes_) / huge * huge;
    if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
  }

  std::unique_ptr<void, Free> memory_;
  char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace polywen
