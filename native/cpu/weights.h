// The weights of a model: read once, laid out for the kernels, shared by its programs.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "buffer.h"
#include "control.h"
#include "kernels.h"
#include "thread_pool.h"

namespace polywen {

// A weight as it is stored, row-major: in memory (`bytes`) or at `offset` of a file.
struct WeightSource {
  std::string name;
  Storage storage;
  int out;  // 0 for a vector
  int in;
  const char* bytes;  // null: in a file
  std::string file;
  int64_t offset;

  int64_t rows() const { return out == 0 ? 1 : out; }
  int64_t row_bytes() const;
  int64_t byte_length() const { return rows() * row_bytes(); }
};

// Bytes of a weight once it is laid out for the kernels.
size_t packed_bytes(Storage storage, int out, int in);

// A matrix in panels, or a vector of f32.
struct Weight {
  Storage storage;
  int out;  // 0 for a vector
  int in;
  Buffer memory;

  Matrix matrix() const { return {storage, out, in, memory.data()}; }
  const float* vector() const { return reinterpret_cast<const float*>(memory.data()); }
};

class Weights {
 public:
  // Reads and packs on all threads. Throws NOT_FOUND, FILE_INVALID, OUT_OF_MEMORY or ABORTED. A file is read with
  // plain reads, never mapped: one that shrinks meanwhile is an error, not a signal.
  Weights(const std::vector<WeightSource>& sources, ThreadPool& pool, Control& control);

  // Moves all weights of another here. No program may be using either.
  void take(Weights& other);

  // Null for an unknown name.
  const Weight* find(const std::string& name) const;
  size_t bytes() const { return bytes_; }

 private:
  std::map<std::string, Weight> weights_;
  size_t bytes_ = 0;
};

}  // namespace polywen
