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

void unpack_codes(Storage storage, const uint8_t* slab, Slab& target) {
  const BlockFormat format = block_format(storage);
  for (int k = 0; k < kGroup; k++) {
    for (int row = 0; row < kPanelRows; row++) {
      const int code = code_at(format, slab, k, row);
      target.codes[k][row] = static_cast<uint8_t>(storage == Storage::iq4_nl  ? kIq4NlCodes[code]
                                                  : storage == Storage::mxfp4 ? kMxfp4Codes[code]
                                                                              : code);
    }
  }
}

}  // namespace

void unpack_slab(Storage storage, const uint8_t* panel, int group, Slab& target) {
  const BlockFormat format = block_format(storage);
  const uint8_t* slab = panel + format.slab_offset(group);
  unpack_codes(storage, slab, target);
  target.zero = format.zero < 0 ? 0 : 1 << format.zero;
  const uint8_t* scales = slab + format.code_bytes();
  const uint8_t* mins = scales + format.scale_bytes();
  const uint8_t* factors = panel + static_cast<ptrdiff_t>(group / kBlockGroups) * format.block_bytes();
  for (int row = 0; row < kPanelRows; row++) {
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

void unpack_panel(const Matrix& matrix, int panel, int first, int depth, float* output) {
  const uint8_t* data = static_cast<const uint8_t*>(matrix.panels) + panel * panel_bytes(matrix.storage, matrix.in);
  Slab slab;
  for (int k = 0; k < depth; k++) {
    if (k % kGroup == 0) unpack_slab(matrix.storage, data, (first + k) / kGroup, slab);
    const int half = k % kGroup / (kGroup / 2);
    for (int row = 0; row < kPanelRows; row++) {  // everything but the difference is exact in f32
      const float scale = slab.scales[row] * static_cast<float>(slab.multipliers[half][row]);
      const float value = scale * static_cast<float>(slab.codes[k % kGroup][row] - slab.zero);
      const float min = slab.mins[row] * static_cast<float>(slab.min_multipliers[half][row]);
      output[k * kPanelRows + row] = block_format(matrix.storage).mins ? value - min : value;
    }
  }
}

}  // namespace polywen
