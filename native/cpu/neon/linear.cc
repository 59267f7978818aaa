#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "simd.h"

#include "../wide/linear.h"
#include "kernels.h"

namespace polywen::neon {

void linear(const LinearArgs& args, int begin, int end) {
  if (args.quantised.blocks) return linear_int8(args, begin, end);
  linear_floats(args, begin, end);
}

}  // namespace polywen::neon
#endif
