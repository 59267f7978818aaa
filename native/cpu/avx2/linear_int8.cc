#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <string.h>

#include "block_slabs.h"
#include "kernels.h"
#include "panel_outputs.h"

namespace polywen::avx2 {
namespace {

template <int Rows>
using Sums = __m256[Rows][2];

inline __m256i broadcast_word(const void* source) {
  int word;
  memcpy(&word, source, sizeof word);
  return _mm256_set1_epi32(word);
}

// A sum that the compiler leaves where it is: it would add products as a tree, and keep all of them until then.
inline __m256i in_order(__m256i sum) {
  asm("" : "+x"(sum));
  return sum;
}

// The sum over a group of code times input, for rows of input side by side. Exact.
template <typename Slab, int Rows>
inline __attribute__((always_inline)) void multiply_codes(const Slab& slab, const InputBlock* inputs, int group, __m256i (&dots)[Rows][2]) {
  constexpr Shape shape = Slab::shape;
  constexpr int width = shape.steps == 2 ? 2 : 1;  // sums of two products need no register of their own
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i shorts[Rows][2];
  UNROLL
  for (int g = 0; g < 8; g += width) {
    __m256i codes[width][2], magnitudes[2];
    UNROLL
    for (int half = 0; half < 2; half++) {
      UNROLL
      for (int i = 0; i < width; i++) codes[i][half] = slab.codes(g + i, half);
      if constexpr (shape.is_signed) magnitudes[half] = slab.magnitudes(g, half);
    }
    UNROLL
    for (int r = 0; r < Rows; r++) {
      __m256i input[width];
      UNROLL
      for (int i = 0; i < width; i++) input[i] = broadcast_word(inputs[r].codes + group * kGroup + 4 * (g + i));
      UNROLL
      for (int half = 0; half < 2; half++) {
        __m256i products = shape.is_signed ? _mm256_maddubs_epi16(magnitudes[half], _mm256_sign_epi8(input[0], codes[0][half]))
                                           : _mm256_maddubs_epi16(codes[0][half], input[0]);
        if constexpr (width == 2) products = _mm256_add_epi16(products, _mm256_maddubs_epi16(codes[1][half], input[1]));
        shorts[r][half] = g % shape.steps == 0 ? products : in_order(_mm256_add_epi16(shorts[r][half], products));
        if ((g + width) % shape.steps != 0) continue;
        const __m256i sum = _mm256_madd_epi16(shorts[r][half], shape.halves ? slab.multiplier(g / 4, half) : ones);
        dots[r][half] = g < shape.steps ? sum : in_order(_mm256_add_epi32(dots[r][half], sum));
      }
    }
  }
}

// Adds a group of inputs to the sums.
template <typename Slab, int Rows>
inline __attribute__((always_inline)) void add_group(const Slab& slab, const InputBlock* inputs, int group, Sums<Rows>& sums) {
  constexpr Shape shape = Slab::shape;
  __m256i dots[Rows][2];
  multiply_codes<Slab, Rows>(slab, inputs, group, dots);
  UNROLL
  for (int half = 0; half < 2; half++) {
    UNROLL
    for (int r = 0; r < Rows; r++) {
      const InputBlock& input = inputs[r];
      const __m256 input_scale = _mm256_broadcast_ss(input.scales + group);
      if constexpr (shape.zero >= 0) {
        const __m256i sum = shape.halves ? _mm256_madd_epi16(slab.multipliers(half), broadcast_word(input.half_sums + 2 * group))
                                         : _mm256_set1_epi32(input.sums[group]);
        dots[r][half] = _mm256_sub_epi32(dots[r][half], _mm256_slli_epi32(sum, shape.zero));
      }
      sums[r][half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots[r][half]), _mm256_mul_ps(slab.scale(half), input_scale), sums[r][half]);
      if constexpr (shape.mins && shape.halves) {
        const __m256i sum = _mm256_madd_epi16(slab.min_multipliers(half), broadcast_word(input.half_sums + 2 * group));
        sums[r][half] = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(slab.min(half), input_scale), sums[r][half]);
      } else if constexpr (shape.mins) {
        sums[r][half] = _mm256_fnmadd_ps(slab.min(half), _mm256_broadcast_ss(input.products + group), sums[r][half]);
      }
    }
  }
}

struct Place {
  const uint8_t* block;  // of the panel
  int groups;
  Target target;
};

template <Storage storage>
Place place_of(const LinearArgs& args, int panel, int first, int row) {
  constexpr BlockFormat format = block_format(storage);
  const int in = args.weight.in, column = panel * kPanelRows;
  const uint8_t* block = static_cast<const uint8_t*>(args.weight.panels) + panel * format.panel_bytes(in) + first / kLinearBlock * format.block_bytes();
  const bool last = first + kLinearBlock >= in;
  return {block, smaller(kLinearBlock, in - first) / kGroup,
          {args.output + static_cast<ptrdiff_t>(row) * args.weight.out + column, args.weight.out, args.weight.out - column, first == 0,
           last && args.bias ? args.bias + column : nullptr}};
}

const InputBlock* inputs_of(const LinearArgs& args, int first, int row) {
  return args.quantised.blocks + static_cast<ptrdiff_t>(first / kLinearBlock) * args.quantised.stride + row;
}

constexpr int kTileRows = 4;  // rows side by side: as many as have their sums in registers

template <typename Slab, int Rows, typename SlabAt>
inline __attribute__((always_inline)) void multiply_block(const Place& place, const InputBlock* inputs, const SlabAt& slab_at) {
  Sums<Rows> sums;
  UNROLL
  for (int r = 0; r < Rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int group = 0; group < place.groups; group++) add_group<Slab, Rows>(slab_at(group), inputs, group, sums);
  add_to_outputs(sums, place.target);
}

// ---- Few rows: weights are unpacked into registers as they come, and memory sets the pace. ----

constexpr int kStreamRows = 16;
constexpr int kPrefetchBytes = 2048;

template <Storage storage, int Rows>
__attribute__((noinline)) void stream_block(const Place& place, const InputBlock* inputs) {
  multiply_block<PackedSlab<storage>, Rows>(place, inputs, [&](int group) {
    const PackedSlab<storage> slab(place.block, group);
    for (int ahead = 0; ahead < slab.format.slab_bytes(); ahead += 64) _mm_prefetch(slab.slab + kPrefetchBytes + ahead, _MM_HINT_T0);
    return slab;
  });
}

template <Storage storage>
void stream_rows(const LinearArgs& args, int panel) {
  const int tiles = (args.rows + kTileRows - 1) / kTileRows;  // of nearly equal height
  for (int first = 0; first < args.weight.in; first += kLinearBlock) {
    for (int tile = 0; tile < tiles; tile++) {
      const int row = args.rows * tile / tiles;
      const Place place = place_of<storage>(args, panel, first, row);
      const InputBlock* inputs = inputs_of(args, first, row);
      switch (args.rows * (tile + 1) / tiles - row) {
        case 1: stream_block<storage, 1>(place, inputs); break;
        case 2: stream_block<storage, 2>(place, inputs); break;
        case 3: stream_block<storage, 3>(place, inputs); break;
        case 4: stream_block<storage, 4>(place, inputs); break;
      }
    }
  }
}

// ---- More rows: a block of a panel is unpacked into the first-level cache, where the inputs of a block of rows lie as well. ----

template <Shape shape, int Rows>
__attribute__((noinline)) void multiply_tile(const Tile& tile, const Place& place, const InputBlock* inputs) {
  multiply_block<TileSlab<shape>, Rows>(place, inputs, [&](int group) { return TileSlab<shape>{tile, group}; });
}

template <Shape shape>
void multiply_rows(const Tile& tile, Place place, const InputBlock* inputs, int rows) {
  for (; rows >= kTileRows; rows -= kTileRows, inputs += kTileRows, place.target.output += kTileRows * place.target.stride) {
    multiply_tile<shape, kTileRows>(tile, place, inputs);
  }
  switch (rows) {
    case 1: return multiply_tile<shape, 1>(tile, place, inputs);
    case 2: return multiply_tile<shape, 2>(tile, place, inputs);
    case 3: return multiply_tile<shape, 3>(tile, place, inputs);
  }
}

template <Storage storage>
void multiply(const LinearArgs& args, int begin, int end) {
  if (args.rows <= kStreamRows) {
    for (int panel = begin; panel < end; panel++) stream_rows<storage>(args, panel);
    return;
  }
  Tile tile;
  for (int top = begin; top < end; top += kBlockPanels) {
    for (int row = 0; row < args.rows; row += kBlockRows) {
      const int rows = smaller(kBlockRows, args.rows - row);
      for (int first = 0; first < args.weight.in; first += kLinearBlock) {
        for (int panel = top; panel < smaller(top + kBlockPanels, end); panel++) {
          const Place place = place_of<storage>(args, panel, first, row);
          unpack_tile<storage>(place.block, place.groups, tile);
          multiply_rows<shape_of(storage)>(tile, place, inputs_of(args, first, row), rows);
        }
      }
    }
  }
}

}  // namespace

void linear_int8(const LinearArgs& args, int begin, int end) {
  with_quantised(args.weight.storage, [&]<Storage storage>() { multiply<storage>(args, begin, end); });
}

}  // namespace polywen::avx2
#endif
