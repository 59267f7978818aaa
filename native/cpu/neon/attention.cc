#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "simd.h"

#include "../wide/attention.h"
#include "kernels.h"

namespace polywen::neon {

void attention(const AttentionArgs& args, int begin, int end) { attend_items(args, begin, end); }

}  // namespace polywen::neon
#endif
