// Runs a compiled program.
#pragma once
#include <cstdint>
#include <vector>

#include "control.h"
#include "program.h"
#include "thread_pool.h"

namespace polywen {

// Runs all operations under `sizes`, one per dimension. Throws INDEX_OUT_OF_RANGE for an index input that points
// outside, NUMERICAL, ARGUMENT_INVALID for sampling parameters, OUT_OF_MEMORY, DISPOSED, or ABORTED between two
// operations.
void execute(const Program& program, const std::vector<int64_t>& sizes, const Kernels& kernels, ThreadPool& pool, bool int8, const Control& control);

}  // namespace polywen
