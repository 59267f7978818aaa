#include "tier.h"
#ifdef POLYWEN_HAS_AVX512
#include "simd.h"

#include "../wide/attention.h"
#include "kernels.h"

namespace polywen::avx512 {

void attention(const AttentionArgs& args, int begin, int end) { attend_items(args, begin, end); }

}  // namespace polywen::avx512
#endif
