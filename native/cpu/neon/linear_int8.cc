#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "simd.h"

#include "../wide/linear_int8.h"
#include "kernels.h"

namespace polywen::neon {

void linear_int8(const LinearArgs& args, int begin, int end) { linear_quantised(args, begin, end); }

}  // namespace polywen::neon
#endif
