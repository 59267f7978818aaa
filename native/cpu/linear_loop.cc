#include "linear_loop.h"

#include <algorithm>
#include <cstring>

#include "pack.h"
#include "thread_pool.h"

namespace polywen {
namespace {

// Weights of a chunk: enough to be read as a stream, little enough to be waited for.
constexpr int64_t kChunkBytes = 64 << 10;

// Rows whose results of one panel, and some more, have room.
constexpr int kMostRows = 32;

int64_t bytes_of_panel(const LinearArgs& part) { return static_cast<int64_t>(panel_bytes(part.weight.storage, part.weight.in)); }

// Panels of a chunk of about `bytes`.
int64_t panels_of_chunk(const LinearArgs& part, int64_t bytes) {
  const int64_t room = ThreadPool::kScratchFloats / (int64_t{part.rows} * kPanelRows);
  return std::clamp<int64_t>(bytes / bytes_of_panel(part), 1, room);
}

int64_t chunks_of(const LinearArgs& part, int64_t bytes) {
  const int64_t size = panels_of_chunk(part, bytes);
  return (panel_count(part.weight.out) + size - 1) / size;
}

int64_t chunks_of(std::span<const LinearArgs> parts, int64_t bytes) {
  int64_t chunks = 0;
  for (const LinearArgs& part : parts) chunks += chunks_of(part, bytes);
  return chunks;
}

// Bytes of weights of a chunk.
int64_t chunk_bytes(std::span<const LinearArgs> parts) {
  int64_t total = 0;
  for (const LinearArgs& part : parts) total += panel_count(part.weight.out) * bytes_of_panel(part);
  return std::max(kChunkBytes, 2 * total / ThreadPool::kMostChunks);  // twice, for panels do not divide evenly
}

}  // namespace

bool LinearLoop::fits(std::span<const LinearArgs> parts) {
  return parts.size() <= kMostParts && parts[0].rows <= kMostRows && chunks_of(parts, chunk_bytes(parts)) <= ThreadPool::kMostChunks;
}

LinearLoop::LinearLoop(void (*kernel)(const LinearArgs&, int begin, int end), std::span<const LinearArgs> parts) : kernel_(kernel) {
  const int64_t bytes = chunk_bytes(parts);
  for (const LinearArgs& part : parts) {
    parts_[count_++] = {part, static_cast<int>(panels_of_chunk(part, bytes)), chunks_};
    chunks_ += chunks_of(part, bytes);
  }
}

LinearLoop::Piece LinearLoop::piece(int64_t chunk) const {
  size_t index = count_ - 1;
  while (parts_[index].first_chunk > chunk) index--;
  const Part& part = parts_[index];
  const int first = static_cast<int>(chunk - part.first_chunk) * part.per_chunk;
  const int column = first * kPanelRows;
  return {part, column, std::min(part.per_chunk * kPanelRows, part.args.weight.out - column)};
}

void LinearLoop::compute(int64_t chunk, float* scratch) const {
  const auto [part, column, columns] = piece(chunk);
  LinearArgs args = part.args;
  args.weight.out = columns;
  args.weight.panels = static_cast<const char*>(args.weight.panels) + static_cast<size_t>(column / kPanelRows) * panel_bytes(args.weight.storage, args.weight.in);
  if (args.bias) args.bias += column;
  args.output = scratch;
  kernel_(args, 0, panel_count(columns));
}

void LinearLoop::store(int64_t chunk, const float* scratch) const {
  const auto [part, column, columns] = piece(chunk);
  for (int64_t row = 0; row < part.args.rows; row++) {
    memcpy(part.args.output + row * part.args.weight.out + column, scratch + row * columns, static_cast<size_t>(columns) * sizeof(float));
  }
}

}  // namespace polywen
