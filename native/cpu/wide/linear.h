// Linear layers with inputs in f32.
#pragma once
#include "block_slabs.h"
#include "panel_outputs.h"

namespace polywen {
namespace {

constexpr int bytes_per_input(Storage storage) { return (storage == Storage::f32 ? 4 : 2) * kPanelRows; }

inline const char* panel_of(const Matrix& weight, int panel) {
  return static_cast<const char*>(weight.panels) + static_cast<ptrdiff_t>(panel) * bytes_per_input(weight.storage) * weight.in;
}

// One input of a panel.
template <Storage storage>
inline Floats load_panel(const char* panel, ptrdiff_t input) {
  if constexpr (storage == Storage::f32) return load(reinterpret_cast<const float*>(panel) + input * kPanelRows);
  const uint16_t* source = reinterpret_cast<const uint16_t*>(panel) + input * kPanelRows;
  return storage == Storage::f16 ? load_f16(source) : load_bf16_pairs(source);
}

// A block of neighbouring panels: where its sums go, and which weights to fetch from memory meanwhile.
struct Block {
  const char* weights;
  ptrdiff_t panel_bytes;  // from panel to panel
  int depth;
  Target target;
  const char* ahead;  // of the first panel, fetched a little in every step
  int ahead_step;     // bytes
};

template <Storage storage, int Rows, int Panels>
__attribute__((noinline)) void add_block(const float* inputs, ptrdiff_t stride, const Block& block) {
  Floats sums[Rows][Panels];
  UNROLL
  for (int r = 0; r < Rows; r++) {
    UNROLL
    for (int p = 0; p < Panels; p++) sums[r][p] = zeros();
  }
  const char* ahead = block.ahead;
  for (ptrdiff_t k = 0; k < block.depth; k++, ahead += block.ahead_step) {
    UNROLL
    for (int p = 0; p < Panels; p++) {
      __builtin_prefetch(ahead + p * block.panel_bytes);
      const Floats weights = load_panel<storage>(block.weights + p * block.panel_bytes, k);
      UNROLL
      for (int r = 0; r < Rows; r++) sums[r][p] = multiply_add(broadcast(inputs[r * stride + k]), weights, sums[r][p]);
    }
  }
  add_to_outputs(sums, block.target);
}

template <Storage storage>
void add_tile(int rows, const float* inputs, ptrdiff_t stride, const Block& block) {
  static_assert(kFloatRows <= 12);
  switch (rows) {
    case 1: return add_block<storage, 1, 1>(inputs, stride, block);
    case 2: return add_block<storage, 2, 1>(inputs, stride, block);
    case 3: return add_block<storage, 3, 1>(inputs, stride, block);
    case 4: return add_block<storage, 4, 1>(inputs, stride, block);
    case 5: return add_block<storage, 5, 1>(inputs, stride, block);
    case 6: return add_block<storage, 6, 1>(inputs, stride, block);
  }
  if constexpr (kFloatRows > 6) {
    switch (rows) {
      case 7: return add_block<storage, 7, 1>(inputs, stride, block);
      case 8: return add_block<storage, 8, 1>(inputs, stride, block);
      case 9: return add_block<storage, 9, 1>(inputs, stride, block);
      case 10: return add_block<storage, 10, 1>(inputs, stride, block);
      case 11: return add_block<storage, 11, 1>(inputs, stride, block);
      case 12: return add_block<storage, 12, 1>(inputs, stride, block);
    }
  }
}

// ---- Few rows: the weights are read once and memory sets the pace. ----

constexpr int kPrefetchBytes = 2048;
constexpr int kStreamPanels = kFloatRows / 3;  // of a single row; two rows take half of them: as many sums in flight

template <Storage storage>
void stream(const LinearArgs& args, int begin, int end) {
  const int in = args.weight.in, out = args.weight.out;
  constexpr int bytes = bytes_per_input(storage);
  const int most = args.rows == 1 ? kStreamPanels : args.rows == 2 ? kStreamPanels / 2 : 1;
  for (int panel = begin, panels; panel < end; panel += panels) {
    panels = panel + most <= end ? most : 1;
    const int column = panel * kPanelRows;
    for (int first = 0; first < in; first += kLinearBlock) {
      const char* weights = panel_of(args.weight, panel) + static_cast<ptrdiff_t>(first) * bytes;
      const float* bias = first + kLinearBlock >= in && args.bias ? args.bias + column : nullptr;
      const Block block = {weights, static_cast<ptrdiff_t>(in) * bytes, smaller(kLinearBlock, in - first), {args.output + column, out, out - column, first == 0, bias}, weights + kPrefetchBytes, bytes};
      const float* inputs = args.input + first;
      if (panels == 1) add_tile<storage>(args.rows, inputs, in, block);
      else if (args.rows == 1) add_block<storage, 1, kStreamPanels>(inputs, in, block);
      else add_block<storage, 2, kStreamPanels / 2>(inputs, in, block);
    }
  }
}

// ---- Many rows: a block of a panel stays in the first-level cache, the inputs of a block of rows in the second, and tiles of rows meet it. ----

// Copies inputs [first, first + depth) of rows side by side: no stride of the matrix can then make cache sets collide.
inline void copy_inputs(const LinearArgs& args, int row, int rows, int first, int depth, float* block) {
  for (int r = 0; r < rows; r++, block += kLinearBlock) {
    const float* source = args.input + static_cast<ptrdiff_t>(row + r) * args.weight.in + first;
    for (int k = 0; k < depth; k += kLanes) store_outputs(block + k, depth - k, load_outputs(source + k, depth - k));
  }
}

// Rows [row, row + rows) against panels [begin, end).
template <Storage storage>
void multiply_rows(const LinearArgs& args, int row, int rows, int begin, int end) {
  alignas(64) float inputs[kBlockRows * kLinearBlock];
  constexpr int bytes = bytes_per_input(storage);
  const int in = args.weight.in, out = args.weight.out;
  const int tiles = (rows + kFloatRows - 1) / kFloatRows;  // of nearly equal height
  for (int first = 0; first < in; first += kLinearBlock) {
    const int depth = smaller(kLinearBlock, in - first);
    copy_inputs(args, row, rows, first, depth, inputs);
    for (int panel = begin; panel < end; panel++) {
      const char* weights = panel_of(args.weight, panel) + static_cast<ptrdiff_t>(first) * bytes;
      const char* next = panel + 1 < end ? weights + static_cast<ptrdiff_t>(in) * bytes : panel_of(args.weight, begin) + static_cast<ptrdiff_t>(first + depth) * bytes;
      const int column = panel * kPanelRows;
      const float* bias = first + depth == in && args.bias ? args.bias + column : nullptr;
      Block block = {weights, 0, depth, {nullptr, out, out - column, first == 0, bias}, nullptr, bytes / tiles};
      for (int tile = 0; tile < tiles; tile++) {
        const int top = rows * tile / tiles;
        block.target.output = args.output + static_cast<ptrdiff_t>(row + top) * out + column;
        block.ahead = next + static_cast<ptrdiff_t>(tile) * block.ahead_step * depth;
        add_tile<storage>(rows * (tile + 1) / tiles - top, inputs + top * kLinearBlock, kLinearBlock, block);
      }
    }
  }
}

template <Storage storage>
void multiply_floats(const LinearArgs& args, int begin, int end) {
  if (args.rows <= kFloatRows) return stream<storage>(args, begin, end);
  const int blocks = (args.rows + kBlockRows - 1) / kBlockRows;
  for (int panel = begin; panel < end; panel += kBlockPanels) {
    for (int block = 0; block < blocks; block++) {
      const int row = static_cast<int>(static_cast<int64_t>(args.rows) * block / blocks);
      const int next = static_cast<int>(static_cast<int64_t>(args.rows) * (block + 1) / blocks);
      multiply_rows<storage>(args, row, next - row, panel, smaller(panel + kBlockPanels, end));
    }
  }
}

// Quantised weights in f32: every block of a panel is unpacked once for all rows.
template <Storage storage>
void multiply_unpacked(const LinearArgs& args, int begin, int end) {
  alignas(64) float weights[kLinearBlock * kPanelRows];
  alignas(64) float inputs[kFloatRows * kLinearBlock];
  const int in = args.weight.in, out = args.weight.out;
  for (int panel = begin; panel < end; panel++) {
    const int column = panel * kPanelRows;
    for (int first = 0; first < in; first += kLinearBlock) {
      const int depth = smaller(kLinearBlock, in - first);
      const uint8_t* quantised = block_of<storage>(args.weight, panel, first);
      for (int group = 0; group < depth / kGroup; group++) unpack_floats<storage>(quantised, group, weights + group * kGroup * kPanelRows);
      const float* bias = first + depth == in && args.bias ? args.bias + column : nullptr;
      for (int row = 0; row < args.rows; row += kFloatRows) {
        const int rows = smaller(kFloatRows, args.rows - row);
        copy_inputs(args, row, rows, first, depth, inputs);
        float* output = args.output + static_cast<ptrdiff_t>(row) * out + column;
        const char* bytes = reinterpret_cast<const char*>(weights);
        add_tile<Storage::f32>(rows, inputs, kLinearBlock, {bytes, 0, depth, {output, out, out - column, first == 0, bias}, bytes, 0});
      }
    }
  }
}

inline void linear_floats(const LinearArgs& args, int begin, int end) {
  switch (args.weight.storage) {
    case Storage::f32: return multiply_floats<Storage::f32>(args, begin, end);
    case Storage::bf16: return multiply_floats<Storage::bf16>(args, begin, end);
    case Storage::f16: return multiply_floats<Storage::f16>(args, begin, end);
    default: return with_quantised(args.weight.storage, [&]<Storage storage>() { multiply_unpacked<storage>(args, begin, end); });
  }
}

}  // namespace
}  // namespace polywen
