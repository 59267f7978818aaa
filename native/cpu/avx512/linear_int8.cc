#include "tier.h"
#ifdef POLYWEN_HAS_AVX512
#include "simd.h"

#include "../wide/linear_int8.h"
#include "kernels.h"

namespace polywen::avx512 {

void linear_int8(const LinearArgs& args, int begin, int end) { linear_quantised(args, begin, end); }

}  // namespace polywen::avx512
#endif
