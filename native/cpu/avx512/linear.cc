#include "tier.h"
#ifdef POLYWEN_HAS_AVX512
#include "simd.h"

#include "../wide/linear.h"
#include "kernels.h"

namespace polywen::avx512 {

void linear(const LinearArgs& args, int begin, int end) {
  if (args.quantised.blocks) return linear_int8(args, begin, end);
  linear_floats(args, begin, end);
}

}  // namespace polywen::avx512
#endif
