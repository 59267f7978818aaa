// What turns logits into log-probabilities.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "thread_pool.h"

namespace polywen {

// For each row the logarithm of the sum of the exponentials of its logits; NaN where they hold NaN, infinity or nothing
// above -infinity. All threads share the work, whatever the number of rows.
std::vector<double> normalisers(ThreadPool& pool, const Kernels& kernels, const float* logits, int64_t rows, int64_t vocabulary);

}  // namespace polywen
