// Slabs of quantised panels (see block_format.h) as the kernels read them: from a panel, or from a tile that holds a block
// of a panel with its codes apart. Both have the same members, so that one kernel serves both.
#pragma once
#include "../block_format.h"
#include "panel_outputs.h"

namespace polywen {
namespace {

// What a kernel must know of a format. A format of 8 bits has its codes less 128 where they enter products as signed.
struct Shape {
  int zero;  // code that stands for 0
  bool mins, halves;
};

constexpr bool has_wide_codes(Storage storage) { return block_format(storage).bits == 8 || storage == Storage::iq4_nl; }

constexpr Shape shape_of(Storage storage) {
  const BlockFormat format = block_format(storage);
  const int zero = format.zero < 0 ? 0 : 1 << format.zero;
  return {zero - (kSignedCodes && has_wide_codes(storage) ? 128 : 0), format.mins, format.halves};
}

template <Storage storage>
inline const uint8_t* block_of(const Matrix& weight, int panel, int first) {
  constexpr BlockFormat format = block_format(storage);
  return static_cast<const uint8_t*>(weight.panels) + panel * format.panel_bytes(weight.in) + first / kLinearBlock * format.block_bytes();
}

// `g` four inputs of 32; `part` 16 inputs of 32.
template <Storage storage>
struct PackedSlab {
  static constexpr BlockFormat format = block_format(storage);
  static constexpr Shape shape = shape_of(storage);
  const uint8_t* slab;
  const uint8_t* factors;

  PackedSlab(const uint8_t* block, int group) : slab(block + format.factor_bytes() + group * format.slab_bytes()), factors(block) {}

  Bytes stored_codes(int g) const {
    if constexpr (format.bits == 8) return load_bytes(slab + 64 * g);
    const Bytes bytes = load_bytes(slab + 64 * (g % 4));
    const Bytes nibbles = g < 4 ? low_nibbles(bytes) : high_nibbles(bytes);
    if constexpr (storage == Storage::iq4_nl) return translate(kIq4NlCodes, nibbles);
    if constexpr (storage == Storage::mxfp4) return translate(kMxfp4Codes, nibbles);
    if constexpr (format.bits == 5) return nibbles | bits_at_four(load_bytes(slab + 256), g, 0x10);
    if constexpr (format.bits == 6) return nibbles | bits_at_four(load_bytes(slab + 256 + 64 * (g / 4)), 2 * (g % 4), 0x30);
    return nibbles;
  }
  Bytes codes(int g) const { return kSignedCodes && has_wide_codes(storage) ? flip_sign(stored_codes(g)) : stored_codes(g); }

  const uint8_t* scales() const { return slab + format.code_bytes(); }
  const uint8_t* mins() const { return scales() + format.scale_bytes(); }

  static Floats halves_at(const uint8_t* source) { return load_f16(reinterpret_cast<const uint16_t*>(source)); }
  Floats scale() const {
    if constexpr (storage == Storage::mxfp4) return load_bf16(reinterpret_cast<const uint16_t*>(scales()));
    if constexpr (!format.factors) return halves_at(scales());
    const Floats factor = halves_at(factors);
    return format.halves ? factor : factor * to_floats(multiplier(0));
  }
  Floats min() const {
    if constexpr (format.zeros) return halves_at(mins()) * scale();
    if constexpr (!format.factors) return halves_at(mins());
    const Floats factor = halves_at(factors + 2 * kPanelRows);
    return format.halves ? factor : factor * to_floats(min_multiplier(0));
  }
  // What the scale and the min of 16 inputs take besides.
  Integers multiplier(int part) const {
    const uint8_t* bytes = scales() + (format.halves ? part * kPanelRows : 0);
    return format.mins ? load_unsigned(bytes) : load_signed(bytes);
  }
  Integers min_multiplier(int part) const { return load_unsigned(mins() + (format.halves ? part * kPanelRows : 0)); }
};

// A group of inputs as f32 [32][16].
template <Storage storage>
__attribute__((noinline)) void unpack_floats(const uint8_t* block, int group, float* output) {
  const PackedSlab<storage> slab(block, group);
  constexpr BlockFormat format = block_format(storage);
  constexpr int zero = format.zero < 0 ? 0 : 1 << format.zero;
  for (int part = 0; part < 2; part++) {
    const Floats scale = format.halves ? slab.scale() * to_floats(slab.multiplier(part)) : slab.scale();
    Floats min = zeros();
    if constexpr (format.mins) min = format.halves ? slab.min() * to_floats(slab.min_multiplier(part)) : slab.min();
    UNROLL
    for (int i = 0; i < 4; i++) {
      const Bytes codes = part == 0 ? slab.stored_codes(i) : slab.stored_codes(4 + i);
      UNROLL
      for (int j = 0; j < 4; j++) {
        const Floats value = scale * to_floats(byte_of_lanes(codes, j) - broadcast(zero));
        store(output + (16 * part + 4 * i + j) * kPanelRows, format.mins ? value - min : value);
      }
    }
  }
}

// A block of a panel, unpacked.
struct alignas(64) Tile {
  uint8_t codes[kBlockGroups][8][64];
  float scales[kBlockGroups][kPanelRows], mins[kBlockGroups][kPanelRows];
  int32_t multipliers[kBlockGroups][2][kPanelRows], min_multipliers[kBlockGroups][2][kPanelRows];
};

template <Storage storage>
__attribute__((noinline)) void unpack_tile(const uint8_t* block, int groups, Tile& tile) {
  for (int group = 0; group < groups; group++) {
    const PackedSlab<storage> slab(block, group);
    UNROLL
    for (int g = 0; g < 8; g++) store_bytes(tile.codes[group][g], slab.codes(g));
    store(tile.scales[group], slab.scale());
    if constexpr (slab.shape.mins) store(tile.mins[group], slab.min());
    if constexpr (slab.shape.halves) {
      for (int part = 0; part < 2; part++) {
        store(tile.multipliers[group][part], slab.multiplier(part));
        if constexpr (slab.shape.mins) store(tile.min_multipliers[group][part], slab.min_multiplier(part));
      }
    }
  }
}

template <Shape of>
struct TileSlab {
  static constexpr Shape shape = of;
  const Tile& tile;
  int group;

  Bytes codes(int g) const { return load_bytes(tile.codes[group][g]); }
  Floats scale() const { return load(tile.scales[group]); }
  Floats min() const { return load(tile.mins[group]); }
  Integers multiplier(int part) const { return load(tile.multipliers[group][part]); }
  Integers min_multiplier(int part) const { return load(tile.min_multipliers[group][part]); }
};

}  // namespace
}  // namespace polywen
