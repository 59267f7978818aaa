// What this machine can do at most: the denominators of a benchmark.
#pragma once
#include "control.h"
#include "kernels.h"
#include "thread_pool.h"

namespace polywen {

// Per second, of all threads together; 0 for arithmetic that a tier has no loop for.
struct DeviceSpeed {
  double read_bytes = 0;
  double int8_operations = 0;
  double float_operations = 0;
};

// The best of some short passes, about a third of a second in all. Throws OUT_OF_MEMORY and ABORTED.
DeviceSpeed measure_speed(const Kernels&, ThreadPool&, const Control&);

}  // namespace polywen
