#include "tier.h"
#ifdef POLYWEN_HAS_AVX512
#include "../exponential.h"
#include "kernels.h"

namespace polywen::avx512 {

double sum_of_exponentials(const double* values, int64_t count) { return sum_in_lanes(values, count); }

}  // namespace polywen::avx512
#endif
