// Checks of the indices that a step was given, before a kernel follows them into memory.
#pragma once
#include <cstdint>
#include <string>

#include "error.h"

namespace polywen {

// Where indices come from, for messages.
struct IndexSource {
  const char* operation;
  const std::string& tensor;
};

// Throws INDEX_OUT_OF_RANGE unless 0 <= value < limit.
inline void check_index(const IndexSource& source, int64_t row, int64_t value, int64_t limit) {
  if (value >= 0 && value < limit) return;
  throw Error("INDEX_OUT_OF_RANGE", {{"operation", source.operation},
                                     {"tensor", source.tensor},
                                     {"row", static_cast<double>(row)},
                                     {"value", static_cast<double>(value)},
                                     {"limit", static_cast<double>(limit)}});
}

// All of `count` values, of which -1 may stand for none.
inline void check_indices(const IndexSource& source, const int32_t* values, int64_t count, int64_t per_row, int64_t limit, bool optional) {
  for (int64_t i = 0; i < count; i++) {
    if (!(optional && values[i] == -1)) check_index(source, i / per_row, values[i], limit);
  }
}

// Span `row` of [rows, 2]: 0 <= begin <= end <= limit.
inline void check_span(const IndexSource& source, const int32_t* spans, int64_t row, int64_t limit) {
  check_index(source, row, spans[2 * row + 1], limit + 1);
  check_index(source, row, spans[2 * row], int64_t{spans[2 * row + 1]} + 1);
}

}  // namespace polywen
