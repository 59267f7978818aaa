// Runs a compiled program.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "program.h"
#include "run.h"
#include "thread_pool.h"

namespace polywen {

// Runs all operations under `sizes`, one per dimension. Throws INDEX_OUT_OF_RANGE for an index input that points
// outside, NUMERICAL, ARGUMENT_INVALID for sampling parameters, OUT_OF_MEMORY, DISPOSED, or what
// `pause` throws. That is called between two operations, and of a program in the background inside long ones, too; it
// may run other programs on the same pool.
void execute(const Program& program, const std::vector<int64_t>& sizes, const Kernels& kernels, ThreadPool& pool, bool int8, bool background, const Pause& pause);

}  // namespace polywen
