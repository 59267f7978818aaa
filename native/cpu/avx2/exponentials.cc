#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "../exponential.h"
#include "kernels.h"

namespace polywen::avx2 {

double sum_of_exponentials(const double* values, int64_t count) { return sum_in_lanes(values, count); }

}  // namespace polywen::avx2
#endif
