#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "block_floats.h"
#include "kernels.h"
#include "panel_outputs.h"

namespace polywen::avx2 {
namespace {

constexpr int bytes_per_input(Storage storage) {
  const BlockFormat format = block_format(storage);
  return is_quantised(storage) ? format.slab_bytes() / kGroup : format.stored_bytes * kPanelRows;
}

// Inputs from `first` on, which begins a block.
template <Storage storage>
const char* block_of(const Matrix& weight, int panel, int first) {
  const auto* panels = static_cast<const char*>(weight.panels);
  if constexpr (is_quantised(storage)) {
    constexpr BlockFormat format = block_format(storage);
    return panels + panel * format.panel_bytes(weight.in) + first / kLinearBlock * format.block_bytes();
  }
  return panels + (static_cast<ptrdiff_t>(panel) * weight.in + first) * bytes_per_input(storage);
}

// ---- Few rows: the weights are read once and memory sets the pace. ----

constexpr int kPrefetchBytes = 2048;

// Rows of input against `Panels` neighbouring panels, block sums and totals in registers.
template <Storage storage, int Rows, int Panels>
void stream_panels(const LinearArgs& args, int first_panel) {
  const int in = args.weight.in;
  const char* panels[Panels];
  UNROLL
  for (int p = 0; p < Panels; p++) panels[p] = block_of<storage>(args.weight, first_panel + p, 0);
  constexpr int bytes = bytes_per_input(storage);

  __m256 totals[Rows][Panels][2];
  UNROLL
  for (int r = 0; r < Rows; r++) {
    UNROLL
    for (int p = 0; p < Panels; p++) totals[r][p][0] = totals[r][p][1] = _mm256_setzero_ps();
  }
  for (int first = 0; first < in; first += kLinearBlock) {
    const int last = smaller(first + kLinearBlock, in);
    __m256 sums[Rows][Panels][2];
    UNROLL
    for (int r = 0; r < Rows; r++) {
      UNROLL
      for (int p = 0; p < Panels; p++) sums[r][p][0] = sums[r][p][1] = _mm256_setzero_ps();
    }
    for (ptrdiff_t k = first; k < last; k++) {
      UNROLL
      for (int p = 0; p < Panels; p++) {
        _mm_prefetch(panels[p] + k * bytes + kPrefetchBytes, _MM_HINT_T0);
        __m256 low, high;
        load_panel<storage>(panels[p], k, low, high);
        UNROLL
        for (int r = 0; r < Rows; r++) {
          const __m256 factor = _mm256_broadcast_ss(args.input + static_cast<ptrdiff_t>(r) * in + k);
          sums[r][p][0] = _mm256_fmadd_ps(factor, low, sums[r][p][0]);
          sums[r][p][1] = _mm256_fmadd_ps(factor, high, sums[r][p][1]);
        }
      }
    }
    UNROLL
    for (int r = 0; r < Rows; r++) {
      UNROLL
      for (int p = 0; p < Panels; p++) {
        UNROLL
        for (int h = 0; h < 2; h++) totals[r][p][h] = _mm256_add_ps(totals[r][p][h], sums[r][p][h]);
      }
    }
  }

  UNROLL
  for (int p = 0; p < Panels; p++) {
    const int column = (first_panel + p) * kPanelRows;
    const int columns = args.weight.out - column;
    __m256 low = _mm256_setzero_ps(), high = low;
    if (args.bias) load_outputs(args.bias + column, columns, low, high);
    UNROLL
    for (int r = 0; r < Rows; r++) {
      float* output = args.output + static_cast<ptrdiff_t>(r) * args.weight.out + column;
      if (args.bias) {
        totals[r][p][0] = _mm256_add_ps(totals[r][p][0], low);
        totals[r][p][1] = _mm256_add_ps(totals[r][p][1], high);
      }
      store_outputs(output, columns, totals[r][p][0], totals[r][p][1]);
    }
  }
}

template <Storage storage, int Rows, int Panels>
void stream(const LinearArgs& args, int begin, int end) {
  int panel = begin;
  for (; panel + Panels <= end; panel += Panels) stream_panels<storage, Rows, Panels>(args, panel);
  for (; panel < end; panel++) stream_panels<storage, Rows, 1>(args, panel);
}

constexpr int kStreamRows = 6;

// As many panels side by side as keep about eight chains of additions in flight.
template <Storage storage>
void stream_rows(const LinearArgs& args, int begin, int end) {
  switch (args.rows) {
    case 1: return stream<storage, 1, 4>(args, begin, end);
    case 2: return stream<storage, 2, 2>(args, begin, end);
    case 3: return stream<storage, 3, 1>(args, begin, end);
    case 4: return stream<storage, 4, 1>(args, begin, end);
    case 5: return stream<storage, 5, 1>(args, begin, end);
    case 6: return stream<storage, 6, 1>(args, begin, end);
  }
}

// ---- Many rows: a block of a panel stays in the first-level cache, the inputs of a block of rows in the second, and tiles of rows meet it. ----

constexpr int kTileRows = 6;      // twelve chains, two registers of weights and a factor fill the sixteen registers

// Inputs [first, first + depth) of a tile of rows, input by input: the kernel then reads one ascending stream, which the
// hardware fetches ahead. What stands for missing rows is never read. Writes two values past the last input.
void interleave_inputs(const LinearArgs& args, int row, int rows, int first, int depth, float* tile) {
  const float* source = args.input + static_cast<ptrdiff_t>(row) * args.weight.in + first;
  int k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    __m256 lanes[kLanes];
    UNROLL
    for (int r = 0; r < kLanes; r++) {
      lanes[r] = r < kTileRows ? _mm256_loadu_ps(source + static_cast<ptrdiff_t>(smaller(r, rows - 1)) * args.weight.in + k) : _mm256_setzero_ps();
    }
    transpose(lanes);
    UNROLL
    for (int i = 0; i < kLanes; i++) _mm256_storeu_ps(tile + (k + i) * kTileRows, lanes[i]);
  }
  for (; k < depth; k++) {
    for (int r = 0; r < rows; r++) tile[k * kTileRows + r] = source[static_cast<ptrdiff_t>(r) * args.weight.in + k];
  }
}

// One block of one panel: where its sums go, and which weights to fetch from memory meanwhile.
struct Block {
  const char* weights;
  int depth;
  Target target;
  const char* ahead;  // fetched a little in every step
  int ahead_step;     // bytes
};

template <Storage storage, int Rows>
void add_block(const float* inputs, const Block& block) {
  __m256 sums[Rows][2];
  UNROLL
  for (int r = 0; r < Rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  UNROLL
  for (int r = 0; r < Rows; r++) _mm_prefetch(reinterpret_cast<const char*>(block.target.output + r * block.target.stride), _MM_HINT_T0);
  const char* ahead = block.ahead;
  UNROLL_BY(2)
  for (ptrdiff_t k = 0; k < block.depth; k++, ahead += block.ahead_step) {
    _mm_prefetch(ahead, _MM_HINT_T1);
    __m256 low, high;
    load_panel<storage>(block.weights, k, low, high);
    UNROLL
    for (int r = 0; r < Rows; r++) {
      const __m256 factor = _mm256_broadcast_ss(inputs + k * kTileRows + r);
      sums[r][0] = _mm256_fmadd_ps(factor, low, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(factor, high, sums[r][1]);
    }
  }
  add_to_outputs(sums, block.target);
}

template <Storage storage>
void add_tile(int rows, const float* inputs, const Block& block) {
  switch (rows) {
    case 1: return add_block<storage, 1>(inputs, block);
    case 2: return add_block<storage, 2>(inputs, block);
    case 3: return add_block<storage, 3>(inputs, block);
    case 4: return add_block<storage, 4>(inputs, block);
    case 5: return add_block<storage, 5>(inputs, block);
    case 6: return add_block<storage, 6>(inputs, block);
  }
}

// Tile `index` of `tiles` of nearly equal height.
inline int tile_top(int rows, int index, int tiles) { return static_cast<int>(static_cast<int64_t>(rows) * index / tiles); }

// Register tiles [first_tile, last_tile) of `tiles` against panels [begin, end). Quantised blocks are unpacked once for all of them.
template <Storage storage>
void multiply_tiles(const LinearArgs& args, int first_tile, int last_tile, int tiles, int begin, int end) {
  alignas(64) float inputs[kBlockRows * kLinearBlock + kLanes];
  alignas(64) float unpacked[is_quantised(storage) ? kLinearBlock * kPanelRows : 1];
  constexpr Storage plain = is_quantised(storage) ? Storage::f32 : storage;
  constexpr int bytes = bytes_per_input(storage);
  const int in = args.weight.in, out = args.weight.out;
  for (int first = 0; first < in; first += kLinearBlock) {
    const int depth = smaller(kLinearBlock, in - first);
    const bool last = first + depth == in;
    for (int tile = first_tile; tile < last_tile; tile++) {
      const int top = tile_top(args.rows, tile, tiles);
      interleave_inputs(args, top, tile_top(args.rows, tile + 1, tiles) - top, first, depth, inputs + (tile - first_tile) * kTileRows * kLinearBlock);
    }
    for (int panel = begin; panel < end; panel++) {
      const char* weights = block_of<storage>(args.weight, panel, first);
      const char* next = panel + 1 < end ? block_of<storage>(args.weight, panel + 1, first) : block_of<storage>(args.weight, begin, first + depth);
      if constexpr (is_quantised(storage)) {
        unpack_floats<storage>(reinterpret_cast<const uint8_t*>(weights), depth / kGroup, unpacked);
        weights = reinterpret_cast<const char*>(unpacked);
      }
      const int column = panel * kPanelRows;
      Block block = {weights, depth, {nullptr, out, out - column, first == 0, last && args.bias ? args.bias + column : nullptr}, nullptr, bytes / (last_tile - first_tile)};
      for (int tile = first_tile; tile < last_tile; tile++) {
        const int top = tile_top(args.rows, tile, tiles);
        block.target.output = args.output + static_cast<ptrdiff_t>(top) * out + column;
        block.ahead = next + static_cast<ptrdiff_t>(tile - first_tile) * block.ahead_step * depth;
        add_tile<plain>(tile_top(args.rows, tile + 1, tiles) - top, inputs + (tile - first_tile) * kTileRows * kLinearBlock, block);
      }
    }
  }
}

template <Storage storage>
void multiply_all(const LinearArgs& args, int begin, int end) {
  if constexpr (!is_quantised(storage)) {
    if (args.rows <= kStreamRows) return stream_rows<storage>(args, begin, end);
  }
  const int tiles = (args.rows + kTileRows - 1) / kTileRows;
  const int blocks = (args.rows + kBlockRows - 1) / kBlockRows;
  const int panels = args.rows <= kStreamRows ? 1 : kBlockPanels;  // few rows read panel after panel, as they lie
  for (int panel = begin; panel < end; panel += panels) {
    for (int block = 0; block < blocks; block++) {
      multiply_tiles<storage>(args, tiles * block / blocks, tiles * (block + 1) / blocks, tiles, panel, smaller(panel + panels, end));
    }
  }
}

}  // namespace

void linear(const LinearArgs& args, int begin, int end) {
  if (args.quantised.blocks) return linear_int8(args, begin, end);
  switch (args.weight.storage) {
    case Storage::f32: return multiply_all<Storage::f32>(args, begin, end);
    case Storage::bf16: return multiply_all<Storage::bf16>(args, begin, end);
    case Storage::f16: return multiply_all<Storage::f16>(args, begin, end);
    default: with_quantised(args.weight.storage, [&]<Storage storage>() { multiply_all<storage>(args, begin, end); });
  }
}

}  // namespace polywen::avx2
#endif
