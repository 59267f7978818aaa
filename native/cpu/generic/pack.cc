#include "../pack.h"

#include <algorithm>

#include "numbers.h"
#include "pack_blocks.h"

namespace polywen {
namespace {

// Where row `row` of a panel lies among the panel's 16 values of one input.
int slot_of_row(Storage storage, int row) {
  if (storage != Storage::bf16) return row;
  return row < kPanelRows / 2 ? 2 * row : 2 * (row - kPanelRows / 2) + 1;
}

// Copies inputs [first, last) of one panel. Rows past the end of the matrix are zeros.
template <typename Value>
void pack_block(Storage storage, const Value* matrix, int out, int in, int panel, int first, int last, Value* target) {
  for (int row = 0; row < kPanelRows; row++) {
    const int64_t source_row = static_cast<int64_t>(panel) * kPanelRows + row;
    const Value* source = source_row < out ? matrix + source_row * in : nullptr;
    Value* lane = target + slot_of_row(storage, row);
    for (int k = first; k < last; k++) lane[static_cast<size_t>(k) * kPanelRows] = source ? source[k] : 0;
  }
}

template <typename Value>
void pack(Storage storage, const Value* matrix, int out, int in, Value* panels, int begin, int end) {
  constexpr int block = 64;  // inputs whose part of a panel stays in the first-level cache
  for (int panel = begin; panel < end; panel++) {
    Value* target = panels + static_cast<size_t>(panel) * in * kPanelRows;
    for (int first = 0; first < in; first += block) {
      pack_block(storage, matrix, out, in, panel, first, std::min(first + block, in), target);
    }
  }
}

}  // namespace

int64_t row_bytes(Storage storage, int in) {
  const BlockFormat format = block_format(storage);
  return static_cast<int64_t>(in) / format.stored_values * format.stored_bytes;
}

int panel_count(int out) { return out / kPanelRows + (out % kPanelRows != 0); }

size_t panel_bytes(Storage storage, int in) {
  const BlockFormat format = block_format(storage);
  return is_quantised(storage) ? static_cast<size_t>(format.panel_bytes(in))
                               : static_cast<size_t>(in) * kPanelRows * static_cast<size_t>(format.stored_bytes);
}

void pack_panels(Storage storage, const void* matrix, int out, int in, void* panels, int begin, int end) {
  if (is_quantised(storage)) {
    for (int panel = begin; panel < end; panel++) {
      const auto* stored = static_cast<const uint8_t*>(matrix) + static_cast<int64_t>(panel) * kPanelRows * row_bytes(storage, in);
      generic::pack_block_panel(storage, stored, std::min(kPanelRows, out - panel * kPanelRows), in,
                                static_cast<uint8_t*>(panels) + static_cast<size_t>(panel) * panel_bytes(storage, in));
    }
  } else if (storage == Storage::f32) {
    pack(storage, static_cast<const uint32_t*>(matrix), out, in, static_cast<uint32_t*>(panels), begin, end);
  } else {
    pack(storage, static_cast<const uint16_t*>(matrix), out, in, static_cast<uint16_t*>(panels), begin, end);
  }
}

void unpack_row(const Matrix& matrix, int row, float* output) {
  if (is_quantised(matrix.storage)) return unpack_block_row(matrix, row, output);
  const size_t start = static_cast<size_t>(row / kPanelRows) * matrix.in * kPanelRows +
                       slot_of_row(matrix.storage, row % kPanelRows);
  if (matrix.storage == Storage::f32) {
    const float* lane = static_cast<const float*>(matrix.panels) + start;
    for (int k = 0; k < matrix.in; k++) output[k] = lane[static_cast<size_t>(k) * kPanelRows];
    return;
  }
  const uint16_t* lane = static_cast<const uint16_t*>(matrix.panels) + start;
  for (int k = 0; k < matrix.in; k++) {
    const uint16_t value = lane[static_cast<size_t>(k) * kPanelRows];
    output[k] = matrix.storage == Storage::bf16 ? generic::float_of_bf16(value) : generic::float_of_f16(value);
  }
}

}  // namespace polywen
