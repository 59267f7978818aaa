#include "../exponential.h"
#include "kernels.h"

namespace polywen::generic {

double sum_of_exponentials(const double* values, int64_t count) { return sum_in_lanes(values, count); }

}  // namespace polywen::generic
