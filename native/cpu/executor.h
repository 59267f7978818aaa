// Runs a compiled program on a pool of threads.
#pragma once
#include <atomic>

#include "program.h"
#include "thread_pool.h"

namespace polywen {

// Runs all operations in order. `sizes` holds one size per dimension. Index inputs are checked before a kernel follows
// them: INDEX_OUT_OF_RANGE. ABORTED soon after `abort` is set; stores may then have happened.
void execute(const Program& program, const std::vector<int64_t>& sizes, const Kernels& kernels, ThreadPool& pool,
             const std::atomic<bool>& abort);

}  // namespace polywen
