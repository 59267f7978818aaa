// The layout of weight panels (see Matrix and block_format.h): the one place that knows where a value lies.
#pragma once
#include <cstddef>

#include "block_format.h"
#include "kernels.h"

namespace polywen {

// Bytes of a stored row of `in` values, which must be whole blocks.
int64_t row_bytes(Storage storage, int in);

// Panels of a matrix of `out` rows.
int panel_count(int out);

// Bytes of one panel of a matrix of width `in`.
size_t panel_bytes(Storage storage, int in);

// Packs rows of a row-major matrix [out, in], stored as `storage`, into panels [begin, end) of the same storage.
// `panels` is the start of the whole packed matrix; disjoint ranges may be packed at the same time.
void pack_panels(Storage storage, const void* matrix, int out, int in, void* panels, int begin, int end);

// Writes row `row` of a packed matrix as f32 [in].
void unpack_row(const Matrix& matrix, int row, float* output);

// The same for quantised storages alone.
void unpack_block_row(const Matrix& matrix, int row, float* output);

// Inputs [first, first + depth) of a panel as f32 [depth][16] in row order; quantised: `first` is that of a group.
void unpack_panel(const Matrix& matrix, int panel, int first, int depth, float* output);

// A slab in numbers: value = scales * multipliers * (code - zero) - mins * min_multipliers, each of these per half.
struct Slab {
  uint8_t codes[kGroup][kPanelRows];
  float scales[kPanelRows], mins[kPanelRows];
  int multipliers[2][kPanelRows], min_multipliers[2][kPanelRows];
  int zero;
};
void unpack_slab(Storage storage, const uint8_t* panel, int group, Slab& slab);

}  // namespace polywen
