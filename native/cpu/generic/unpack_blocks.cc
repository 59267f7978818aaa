#include <algorithm>
#include <cstring>

#include "../pack.h"
#include "numbers.h"

namespace polywen {
namespace {

float scale_of(Storage storage, const uint8_t* scales, int row) {
  uint16_t bits;
  memcpy(&bits, scales + 2 * row, sizeof bits);
  return storage == Storage::mxfp4 ? generic::float_of_bf16(bits) : generic::float_of_f16(bits);
}

// A code as the planes hold it.
int code_at(const BlockFormat& format, const uint8_t* slab, int k, int row) {
  const int g = k / 4, lane = 4 * row + k % 4;
  if (format.bits == 8) return slab[64 * g + lane];
  const int nibble = slab[64 * (g % 4) + lane] >> (g < 4 ? 0 : 4) & 15;
  if (format.bits == 5) return nibble | (slab[256 + lane] >> g & 1) << 4;
  if (format.bits == 6) return nibble | (slab[256 + 64 * (g / 4) + lane] >> 2 * (g % 4) & 3) << 4;
  return nibble;
}

void unpack_codes(Storage storage, const uint8_t* slab, int begin, int end, Slab& target) {
  const BlockFormat format = block_format(storage);
  for (int k = 0; k < kGroup; k++) {
    for (int row = begin; row < end; row++) {
      const int code = code_at(format, slab, k, row);
      target.codes[k][row] = static_cast<uint8_t>(storage == Storage::iq4_nl  ? kIq4NlCodes[code]
                                                  : storage == Storage::mxfp4 ? kMxfp4Codes[code]
                                                                              : code);
    }
  }
}

// Rows [begin, end) of a slab.
void unpack_rows(Storage storage, const uint8_t* panel, int group, int begin, int end, Slab& target) {
  const BlockFormat format = block_format(storage);
  const uint8_t* slab = panel + format.slab_offset(group);
  unpack_codes(storage, slab, begin, end, target);
  target.zero = format.zero < 0 ? 0 : 1 << format.zero;
  const uint8_t* scales = slab + format.code_bytes();
  const uint8_t* mins = scales + format.scale_bytes();
  const uint8_t* factors = panel + static_cast<ptrdiff_t>(group / kBlockGroups) * format.block_bytes();
  for (int row = begin; row < end; row++) {
    target.scales[row] = scale_of(storage, format.factors ? factors : scales, row);
    target.mins[row] = format.mins ? scale_of(storage, format.factors ? factors + 2 * kPanelRows : mins, row) : 0;
    if (format.zeros) target.mins[row] *= target.scales[row];
    for (int half = 0; half < 2; half++) {
      const int at = (format.halves ? half * kPanelRows : 0) + row;
      target.multipliers[half][row] = !format.factors ? 1 : format.mins ? scales[at] : static_cast<int8_t>(scales[at]);
      target.min_multipliers[half][row] = format.factors && format.mins ? mins[at] : 1;
    }
  }
}

// Value k of a row. Everything but the difference is exact in f32.
float value_at(const Slab& slab, bool mins, int k, int row) {
  const int half = k / (kGroup / 2);
  const float value = slab.scales[row] * static_cast<float>(slab.multipliers[half][row]) * static_cast<float>(slab.codes[k][row] - slab.zero);
  return mins ? value - slab.mins[row] * static_cast<float>(slab.min_multipliers[half][row]) : value;
}

const uint8_t* panel_of(const Matrix& matrix, int panel) {
  return static_cast<const uint8_t*>(matrix.panels) + panel * panel_bytes(matrix.storage, matrix.in);
}

}  // namespace

void unpack_slab(Storage storage, const uint8_t* panel, int group, Slab& target) { unpack_rows(storage, panel, group, 0, kPanelRows, target); }

void unpack_panel(const Matrix& matrix, int panel, int first, int depth, float* output) {
  const bool mins = block_format(matrix.storage).mins;
  Slab slab;
  for (int k = 0; k < depth; k++) {
    if (k % kGroup == 0) unpack_slab(matrix.storage, panel_of(matrix, panel), (first + k) / kGroup, slab);
    for (int row = 0; row < kPanelRows; row++) output[k * kPanelRows + row] = value_at(slab, mins, k % kGroup, row);
  }
}

void unpack_block_row(const Matrix& matrix, int row, float* output) {
  const bool mins = block_format(matrix.storage).mins;
  const int lane = row % kPanelRows;
  Slab slab;
  for (int k = 0; k < matrix.in; k++) {
    if (k % kGroup == 0) unpack_rows(matrix.storage, panel_of(matrix, row / kPanelRows), k / kGroup, lane, lane + 1, slab);
    output[k] = value_at(slab, mins, k % kGroup, lane);
  }
}

}  // namespace polywen
