#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include <math.h>

#include "kernels.h"
#include "simd.h"

namespace polywen::neon {
namespace {

// A row in eight sums of two lanes each, whatever its width: element i in lane i % 16. The rest of a row are zeros.
constexpr int kSums = kLanes / 2;

inline float64x2_t pair_of(Floats x, int index) {
  const float32x4_t part = x.v[index / 2];
  return vcvt_f64_f32(index % 2 == 0 ? vget_low_f32(part) : vget_high_f32(part));
}

inline double total_of(const float64x2_t (&sums)[kSums]) {
  const float64x2_t low = vaddq_f64(vaddq_f64(sums[0], sums[4]), vaddq_f64(sums[1], sums[5]));
  const float64x2_t high = vaddq_f64(vaddq_f64(sums[2], sums[6]), vaddq_f64(sums[3], sums[7]));
  const float64x2_t both = vaddq_f64(low, high);
  return vgetq_lane_f64(both, 0) + vgetq_lane_f64(both, 1);
}

double sum_of(const float* input, int width) {
  float64x2_t sums[kSums];
  for (float64x2_t& sum : sums) sum = vdupq_n_f64(0);
  for (int i = 0; i < width; i += kLanes) {
    const Floats x = load_first(input + i, width - i);
    UNROLL
    for (int j = 0; j < kSums; j++) sums[j] = vaddq_f64(sums[j], pair_of(x, j));
  }
  return total_of(sums);
}

double sum_of_squares(const float* input, int width, double center) {
  float64x2_t sums[kSums];
  for (float64x2_t& sum : sums) sum = vdupq_n_f64(0);
  int i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Floats x = load(input + i);
    UNROLL
    for (int j = 0; j < kSums; j++) {
      const float64x2_t difference = vsubq_f64(pair_of(x, j), vdupq_n_f64(center));
      sums[j] = vfmaq_f64(sums[j], difference, difference);
    }
  }
  double rest = 0;
  for (; i < width; i++) rest = fma(input[i] - center, input[i] - center, rest);
  return total_of(sums) + rest;
}

}  // namespace

void rms_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const float* input = args.input + static_cast<ptrdiff_t>(row) * args.width;
    float* output = args.output + static_cast<ptrdiff_t>(row) * args.width;
    const float factor = static_cast<float>(1 / sqrt(sum_of_squares(input, args.width, 0) / args.width + args.epsilon));
    for (int i = 0; i < args.width; i++) output[i] = input[i] * factor * args.weight[i];
  }
}

void layer_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const float* input = args.input + static_cast<ptrdiff_t>(row) * args.width;
    float* output = args.output + static_cast<ptrdiff_t>(row) * args.width;
    const double center = sum_of(input, args.width) / args.width;
    const double factor = 1 / sqrt(sum_of_squares(input, args.width, center) / args.width + args.epsilon);
    for (int i = 0; i < args.width; i++) {
      const float normal = static_cast<float>((input[i] - center) * factor) * args.weight[i];
      output[i] = args.bias ? normal + args.bias[i] : normal;
    }
  }
}

}  // namespace polywen::neon
#endif
