// Memory that outlives runs: pages of keys and values, rows of media.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "buffer.h"
#include "kernels.h"
#include "thread_pool.h"

namespace polywen {

struct ResourceSpec {
  std::string name;
  Storage storage;  // f32 or bf16
  std::vector<int64_t> shape;
  bool paged;
};

// A paged resource [slots, heads, width] holds f32 or bf16 in the layout that attention reads (see PagedStore); its
// readers decide whether that is the one of keys or of values. Any other resource holds rows of f32, rounded to its
// storage when they are written.
class Resource {
 public:
  // Throws OUT_OF_MEMORY. The content is zero.
  explicit Resource(ResourceSpec spec);

  const ResourceSpec& spec() const { return spec_; }
  size_t bytes() const { return cells_.bytes(); }
  int64_t slots() const { return spec_.shape[0]; }

  // Rows of f32; for resources that are not paged.
  const float* rows() const { return reinterpret_cast<const float*>(cells_.data()); }

  PagedStore pages() const { return {spec_.storage, cells_.data()}; }

  // Makes the pages readable as keys or as values. What has been stored moves along.
  void arrange(bool keys, ThreadPool& pool);

  // Writes row r of `input` into slot slots[r], or nowhere for -1. Of two rows for one slot the later stays.
  void store(const float* input, const int32_t* slots, int rows, ThreadPool& pool);

 private:
  void store_pages(const float* input, const int32_t* slots, int rows, int64_t head);
  void store_columns(const float* input, const int32_t* slots, int rows, int64_t begin, int64_t end);

  ResourceSpec spec_;
  int64_t row_length_;
  Buffer cells_;
  bool keys_ = false;  // pages: [page][head][width][16] instead of [page][head][16][width]
  bool written_ = false;
};

}  // namespace polywen
