#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "simd.h"

#include "../wide/elementwise.h"
#include "../wide/quantise.h"
#include "kernels.h"

namespace polywen::neon {

void quantise(const QuantiseArgs& args, int begin, int end) { quantise_rows(args, begin, end); }

void activation(Activation kind, const float* input, float* output, int64_t begin, int64_t end) { map_activation(kind, input, output, begin, end); }

void add(const float* left, const float* right, float* output, int64_t begin, int64_t end) { map_pairs<sum>(left, right, output, begin, end); }

void multiply(const float* left, const float* right, float* output, int64_t begin, int64_t end) { map_pairs<product>(left, right, output, begin, end); }

void swiglu(const float* gate, const float* up, float* output, int64_t begin, int64_t end) { map_pairs<gated_product>(gate, up, output, begin, end); }

}  // namespace polywen::neon
#endif
