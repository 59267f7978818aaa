#include "resource.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pack.h"

namespace polywen {
namespace {

// To nearest, ties to even; a NaN stays a quiet NaN.
uint16_t to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float rounded_to_bf16(float value) {
  const uint32_t bits = static_cast<uint32_t>(to_bf16(value)) << 16;
  float rounded;
  memcpy(&rounded, &bits, sizeof rounded);
  return rounded;
}

int64_t product_from(const std::vector<int64_t>& shape, size_t first) {
  int64_t product = 1;
  for (size_t axis = first; axis < shape.size(); axis++) product *= shape[axis];
  return product;
}

size_t bytes_of(const ResourceSpec& spec) {
  const size_t cell = spec.paged ? static_cast<size_t>(block_format(spec.storage).stored_bytes) : sizeof(float);
  return static_cast<size_t>(product_from(spec.shape, 0)) * cell;
}

// Turns tiles [rows][columns] into [columns][rows].
template <typename Cell>
void transpose(Cell* tiles, int64_t begin, int64_t end, int64_t rows, int64_t columns) {
  std::vector<Cell> copy(static_cast<size_t>(rows * columns));
  for (int64_t index = begin; index < end; index++) {
    Cell* tile = tiles + index * rows * columns;
    std::copy_n(tile, rows * columns, copy.data());
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t column = 0; column < columns; column++) tile[column * rows + row] = copy[static_cast<size_t>(row * columns + column)];
    }
  }
}

template <typename Cell>
Cell cell_of(float value) {
  if constexpr (sizeof(Cell) == sizeof(float)) return value;
  else return to_bf16(value);
}

// Writes one head of each row; `stride` is the distance of two components of a row.
template <typename Cell>
void store_head(Cell* cells, const float* input, const int32_t* slots, int rows, int64_t head, int64_t heads, int64_t width, bool keys) {
  for (int row = 0; row < rows; row++) {
    if (slots[row] < 0) continue;
    const int64_t page = slots[row] / kPanelRows, place = slots[row] % kPanelRows;
    const float* source = input + (row * heads + head) * width;
    Cell* target = cells + (page * heads + head) * width * kPanelRows + (keys ? place : place * width);
    const int64_t stride = keys ? kPanelRows : 1;
    for (int64_t i = 0; i < width; i++) target[i * stride] = cell_of<Cell>(source[i]);
  }
}

}  // namespace

Resource::Resource(ResourceSpec spec)
    : spec_(std::move(spec)), row_length_(product_from(spec_.shape, 1)), cells_("resource " + spec_.name, bytes_of(spec_)) {}

void Resource::arrange(bool keys, ThreadPool& pool) {
  if (keys == keys_) return;
  if (written_) {
    const int64_t width = spec_.shape[2];
    const int64_t rows = keys ? kPanelRows : width, columns = keys ? width : kPanelRows;
    pool.run(slots() / kPanelRows * spec_.shape[1], 16, [&](int64_t begin, int64_t end) {
      if (spec_.storage == Storage::f32) transpose(reinterpret_cast<float*>(cells_.data()), begin, end, rows, columns);
      else transpose(reinterpret_cast<uint16_t*>(cells_.data()), begin, end, rows, columns);
    });
  }
  keys_ = keys;
}

// Threads share the columns, not the rows: so the later of two rows for one slot is written later.
void Resource::store(const float* input, const int32_t* slots, int rows, ThreadPool& pool) {
  written_ = true;
  if (spec_.paged) {
    const int64_t grain = std::max<int64_t>(1, 4096 / (rows * spec_.shape[2] + 1));
    pool.run(spec_.shape[1], grain, [&](int64_t begin, int64_t end) {
      for (int64_t head = begin; head < end; head++) store_pages(input, slots, rows, head);
    });
  } else {
    const int64_t grain = std::max<int64_t>(64, 4096 / (rows + 1));
    pool.run(row_length_, grain, [&](int64_t begin, int64_t end) { store_columns(input, slots, rows, begin, end); });
  }
}

void Resource::store_pages(const float* input, const int32_t* slots, int rows, int64_t head) {
  const int64_t heads = spec_.shape[1], width = spec_.shape[2];
  if (spec_.storage == Storage::f32) store_head(reinterpret_cast<float*>(cells_.data()), input, slots, rows, head, heads, width, keys_);
  else store_head(reinterpret_cast<uint16_t*>(cells_.data()), input, slots, rows, head, heads, width, keys_);
}

void Resource::store_columns(const float* input, const int32_t* slots, int rows, int64_t begin, int64_t end) {
  float* cells = reinterpret_cast<float*>(cells_.data());
  for (int row = 0; row < rows; row++) {
    if (slots[row] < 0) continue;
    const float* source = input + row * row_length_;
    float* target = cells + slots[row] * row_length_;
    for (int64_t i = begin; i < end; i++) target[i] = spec_.storage == Storage::bf16 ? rounded_to_bf16(source[i]) : source[i];
  }
}

}  // namespace polywen
