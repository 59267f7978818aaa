// Linear layers with quantised inputs.
#pragma once
#include "block_slabs.h"

namespace polywen {
namespace {

// The sums over `count` fours of inputs from `first` on of codes, less the one that stands for 0, times inputs. Exact.
template <typename Slab, int Rows>
inline __attribute__((always_inline)) void multiply_codes(const Slab& slab, const InputBlock* inputs, int group, int first, int count, Integers (&dots)[Rows]) {
  UNROLL
  for (int r = 0; r < Rows; r++) {
    const int sum = Slab::shape.halves ? inputs[r].half_sums[2 * group + first / 4] : inputs[r].sums[group];
    dots[r] = broadcast(-Slab::shape.zero * sum);
  }
  UNROLL
  for (int g = first; g < first + count; g++) {
    const Bytes codes = slab.codes(g);
    UNROLL
    for (int r = 0; r < Rows; r++) dots[r] = add_products(dots[r], codes, inputs[r].codes + group * kGroup + 4 * g);
  }
}

// Adds a group of inputs to the sums.
template <typename Slab, int Rows>
inline __attribute__((always_inline)) void add_group(const Slab& slab, const InputBlock* inputs, int group, Floats (&sums)[Rows][1]) {
  constexpr Shape shape = Slab::shape;
  Integers dots[Rows];
  if constexpr (shape.halves) {
    Integers second[Rows];
    multiply_codes<Slab, Rows>(slab, inputs, group, 0, 4, dots);
    const Integers first_multiplier = slab.multiplier(0);
    UNROLL
    for (int r = 0; r < Rows; r++) dots[r] = dots[r] * first_multiplier;
    multiply_codes<Slab, Rows>(slab, inputs, group, 4, 4, second);
    const Integers second_multiplier = slab.multiplier(1);
    UNROLL
    for (int r = 0; r < Rows; r++) dots[r] = dots[r] + second[r] * second_multiplier;
  } else {
    multiply_codes<Slab, Rows>(slab, inputs, group, 0, 8, dots);
  }
  const Floats scale = slab.scale();
  UNROLL
  for (int r = 0; r < Rows; r++) sums[r][0] = multiply_add(to_floats(dots[r]), scale * broadcast(inputs[r].scales[group]), sums[r][0]);
  if constexpr (shape.mins) {
    const Floats min = slab.min();
    UNROLL
    for (int r = 0; r < Rows; r++) {
      if constexpr (shape.halves) {
        const int16_t* halves = inputs[r].half_sums + 2 * group;
        const Integers subtracted = slab.min_multiplier(0) * broadcast(int{halves[0]}) + slab.min_multiplier(1) * broadcast(int{halves[1]});
        sums[r][0] = subtract_product(to_floats(subtracted), min * broadcast(inputs[r].scales[group]), sums[r][0]);
      } else {
        sums[r][0] = subtract_product(min, broadcast(inputs[r].products[group]), sums[r][0]);
      }
    }
  }
}

struct Place {
  const uint8_t* block;  // of the panel
  int groups;
  const InputBlock* inputs;
  Target target;
};

template <Storage storage>
Place place_of(const LinearArgs& args, int panel, int first, int row) {
  const int in = args.weight.in, column = panel * kPanelRows;
  const bool last = first + kLinearBlock >= in;
  return {block_of<storage>(args.weight, panel, first), smaller(kLinearBlock, in - first) / kGroup,
          args.quantised.blocks + static_cast<ptrdiff_t>(first / kLinearBlock) * args.quantised.stride + row,
          {args.output + static_cast<ptrdiff_t>(row) * args.weight.out + column, args.weight.out, args.weight.out - column, first == 0,
           last && args.bias ? args.bias + column : nullptr}};
}

// ---- Few rows: weights are unpacked into registers as they come, and memory sets the pace. ----

constexpr int kCodePrefetchBytes = 2048;

template <Storage storage, int Rows>
void stream_panels(const LinearArgs& args, int begin, int end) {
  for (int panel = begin; panel < end; panel++) {
    for (int first = 0; first < args.weight.in; first += kLinearBlock) {
      const Place place = place_of<storage>(args, panel, first, 0);
      Floats sums[Rows][1];
      UNROLL
      for (int r = 0; r < Rows; r++) sums[r][0] = zeros();
      for (int group = 0; group < place.groups; group++) {
        const PackedSlab<storage> slab(place.block, group);
        for (int ahead = 0; ahead < slab.format.slab_bytes(); ahead += 64) __builtin_prefetch(slab.slab + kCodePrefetchBytes + ahead);
        add_group<PackedSlab<storage>, Rows>(slab, place.inputs, group, sums);
      }
      add_to_outputs(sums, place.target);
    }
  }
}

// ---- More rows: a block of a panel is unpacked into the first-level cache and meets tiles of rows. ----

constexpr int kCodeBlockRows = 96;    // rows whose block of inputs (36 KiB) stays in the second-level cache
constexpr int kCodeBlockPanels = 32;  // panels that use it before the next block of inputs takes its place

template <Shape shape, int Rows>
void multiply_tile(const Tile& tile, int groups, const InputBlock* inputs, const Target& target) {
  Floats sums[Rows][1];
  UNROLL
  for (int r = 0; r < Rows; r++) sums[r][0] = zeros();
  for (int group = 0; group < groups; group++) add_group<TileSlab<shape>, Rows>({tile, group}, inputs, group, sums);
  add_to_outputs(sums, target);
}

template <Shape shape>
void multiply_tiles(const Tile& tile, int groups, const InputBlock* inputs, int rows, Target target) {
  const auto run = [&]<int height>() {
    for (; rows >= height; rows -= height, inputs += height, target.output += height * target.stride) {
      multiply_tile<shape, height>(tile, groups, inputs, target);
    }
  };
  run.template operator()<kCodeRows>();
  if constexpr (kCodeRows > 4) run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

template <Storage storage>
void multiply_blocks(const LinearArgs& args, int begin, int end) {
  Tile tile;
  for (int top = begin; top < end; top += kCodeBlockPanels) {
    for (int row = 0; row < args.rows; row += kCodeBlockRows) {
      const int rows = smaller(kCodeBlockRows, args.rows - row);
      for (int first = 0; first < args.weight.in; first += kLinearBlock) {
        for (int panel = top; panel < smaller(top + kCodeBlockPanels, end); panel++) {
          const Place place = place_of<storage>(args, panel, first, row);
          unpack_tile<storage>(place.block, place.groups, tile);
          multiply_tiles<shape_of(storage)>(tile, place.groups, place.inputs, rows, place.target);
        }
      }
    }
  }
}

template <Storage storage>
void multiply_quantised(const LinearArgs& args, int begin, int end) {
  switch (args.rows) {
    case 1: return stream_panels<storage, 1>(args, begin, end);
    case 2: return stream_panels<storage, 2>(args, begin, end);
    case 3: return stream_panels<storage, 3>(args, begin, end);
    case 4: return stream_panels<storage, 4>(args, begin, end);
  }
  multiply_blocks<storage>(args, begin, end);
}

inline void linear_quantised(const LinearArgs& args, int begin, int end) {
  with_quantised(args.weight.storage, [&]<Storage storage>() { multiply_quantised<storage>(args, begin, end); });
}

}  // namespace
}  // namespace polywen
