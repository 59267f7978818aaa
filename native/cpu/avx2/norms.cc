#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <math.h>

#include "kernels.h"
#include "simd.h"

namespace polywen::avx2 {
namespace {

// Eight values as double.
struct Wide {
  __m256d low, high;
};

inline Wide widen(__m256 x) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))}; }

inline Wide load(const float* source, int count) {
  return widen(count >= kLanes ? _mm256_loadu_ps(source) : _mm256_maskload_ps(source, first_lanes(count)));
}

inline void store(float* target, int count, __m256 x) {
  if (count >= kLanes) {
    _mm256_storeu_ps(target, x);
  } else {
    _mm256_maskstore_ps(target, first_lanes(count), x);
  }
}

inline __m256 load_weight(const float* source, int count) {
  return count >= kLanes ? _mm256_loadu_ps(source) : _mm256_maskload_ps(source, first_lanes(count));
}

// Zeros beyond the first `count` values.
inline Wide cut(Wide x, int count) {
  const __m256i mask = first_lanes(count);
  return {_mm256_and_pd(x.low, _mm256_castsi256_pd(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(mask)))),
          _mm256_and_pd(x.high, _mm256_castsi256_pd(_mm256_cvtepi32_epi64(_mm256_extracti128_si256(mask, 1))))};
}

double mean_of_squares(const float* input, int width, double center) {
  const __m256d middle = _mm256_set1_pd(center);
  __m256d low = _mm256_setzero_pd(), high = low;
  for (int i = 0; i < width; i += kLanes) {
    Wide x = load(input + i, width - i);
    x = cut({_mm256_sub_pd(x.low, middle), _mm256_sub_pd(x.high, middle)}, width - i);
    low = _mm256_fmadd_pd(x.low, x.low, low);
    high = _mm256_fmadd_pd(x.high, x.high, high);
  }
  return sum_of_lanes(_mm256_add_pd(low, high)) / width;
}

double mean(const float* input, int width) {
  __m256d low = _mm256_setzero_pd(), high = low;
  for (int i = 0; i < width; i += kLanes) {
    const Wide x = load(input + i, width - i);
    low = _mm256_add_pd(low, x.low);
    high = _mm256_add_pd(high, x.high);
  }
  return sum_of_lanes(_mm256_add_pd(low, high)) / width;
}

// (input - center) * factor * weight + bias
void normalize(const NormArgs& args, const float* input, double center, double factor, float* output) {
  const __m256d middle = _mm256_set1_pd(center), scale = _mm256_set1_pd(factor);
  for (int i = 0; i < args.width; i += kLanes) {
    const int count = args.width - i;
    const Wide x = load(input + i, count);
    const __m128 low = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_sub_pd(x.low, middle), scale));
    const __m128 high = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_sub_pd(x.high, middle), scale));
    __m256 result = _mm256_mul_ps(_mm256_set_m128(high, low), load_weight(args.weight + i, count));
    if (args.bias) result = _mm256_add_ps(result, load_weight(args.bias + i, count));
    store(output + i, count, result);
  }
}

}  // namespace

void rms_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(row) * args.width;
    const float* input = args.input + start;
    float* output = args.output + start;
    const __m256 factor = _mm256_set1_ps(static_cast<float>(1 / sqrt(mean_of_squares(input, args.width, 0) + args.epsilon)));
    for (int i = 0; i < args.width; i += kLanes) {
      const int count = args.width - i;
      const __m256 normal = _mm256_mul_ps(load_weight(input + i, count), factor);
      store(output + i, count, _mm256_mul_ps(normal, load_weight(args.weight + i, count)));
    }
  }
}

void layer_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(row) * args.width;
    const double center = mean(args.input + start, args.width);
    const double factor = 1 / sqrt(mean_of_squares(args.input + start, args.width, center) + args.epsilon);
    normalize(args, args.input + start, center, factor, args.output + start);
  }
}

}  // namespace polywen::avx2
#endif
