// The layout of weight panels (see Matrix): the one place that knows where a value lies.
#pragma once
#include <cstddef>

#include "kernels.h"

namespace polywen {

// Bytes of one stored value: 4 or 2.
size_t storage_bytes(Storage storage);

// Panels of a matrix of `out` rows.
int panel_count(int out);

// Bytes of one panel of a matrix of width `in`.
size_t panel_bytes(Storage storage, int in);

// Packs rows of a row-major matrix [out, in], stored as `storage`, into panels [begin, end) of the same storage.
// `panels` is the start of the whole packed matrix; disjoint ranges may be packed at the same time.
void pack_panels(Storage storage, const void* matrix, int out, int in, void* panels, int begin, int end);

// Writes row `row` of a packed matrix as f32 [in].
void unpack_row(const Matrix& matrix, int row, float* output);

}  // namespace polywen
