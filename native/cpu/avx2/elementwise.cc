#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "kernels.h"
#include "simd.h"

namespace polywen::avx2 {
namespace {

using Unary = __m256 (*)(__m256);
using Binary = __m256 (*)(__m256, __m256);

inline __m256 negative(__m256 x) { return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)); }

// x / (1 + e^-y)
inline __m256 gated(__m256 x, __m256 y) {
  return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1), exponential(negative(y))));
}

inline __m256 silu(__m256 x) { return gated(x, x); }

inline __m256 quick_gelu(__m256 x) { return gated(x, _mm256_mul_ps(_mm256_set1_ps(1.702f), x)); }

// x/2 (1 + tanh u) = x σ(2u) with u = sqrt(2/π) (x + 0.044715 x³)
inline __m256 gelu_tanh(__m256 x) {
  const __m256 cube = _mm256_mul_ps(_mm256_mul_ps(x, x), x);
  const __m256 inner = _mm256_fmadd_ps(_mm256_set1_ps(0.044715f), cube, x);
  return gated(x, _mm256_mul_ps(_mm256_set1_ps(1.5957691216057308f), inner));
}

// x Φ(x), where Φ(-|x|) = erfc(z) / 2 with z = |x| / sqrt 2, and erfc(z) = e^-z² t P(t) with t = 2 / (2 + z). P is a
// Chebyshev fit of erfcx(z) / t over 0 <= z <= 10.4 with a relative error of 4e-8; beyond, e^-z² is 0 in f32.
inline __m256 gelu(__m256 x) {
  constexpr float coefficients[] = {0.03652052953839302f,  -0.1954738050699234f,  0.39287319779396057f, -0.3065764904022217f,
                                    -0.005967644974589348f, 0.025442903861403465f, 0.05902469903230667f, 0.18445950746536255f,
                                    0.245374396443367f,    0.2822333872318268f,   0.28208932280540466f};
  const __m256 size = _mm256_min_ps(_mm256_set1_ps(14.7f), _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x));  // its square is finite
  const __m256 z = _mm256_mul_ps(size, _mm256_set1_ps(0.70710678f));
  const __m256 t = _mm256_div_ps(_mm256_set1_ps(2), _mm256_add_ps(_mm256_set1_ps(2), z));
  __m256 p = _mm256_set1_ps(coefficients[0]);
  UNROLL
  for (int i = 1; i < 11; i++) p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(coefficients[i]));
  // The rounding error of x²/2 would be magnified by the exponential: carry it along as a factor.
  const __m256 half = _mm256_mul_ps(size, _mm256_set1_ps(0.5f));
  const __m256 square = _mm256_mul_ps(half, size);
  const __m256 error = _mm256_fmsub_ps(half, size, square);
  __m256 power = exponential(negative(square));
  power = _mm256_fnmadd_ps(power, error, power);
  const __m256 tail = _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), power), _mm256_mul_ps(t, p));
  return _mm256_mul_ps(x, _mm256_blendv_ps(_mm256_sub_ps(_mm256_set1_ps(1), tail), tail, x));
}

inline __m256 sum(__m256 left, __m256 right) { return _mm256_add_ps(left, right); }
inline __m256 product(__m256 left, __m256 right) { return _mm256_mul_ps(left, right); }
inline __m256 gated_product(__m256 gate, __m256 up) { return _mm256_mul_ps(silu(gate), up); }

template <Unary function>
void map(const float* input, float* output, int64_t begin, int64_t end) {
  for (; begin + kLanes <= end; begin += kLanes) _mm256_storeu_ps(output + begin, function(_mm256_loadu_ps(input + begin)));
  const __m256i rest = first_lanes(static_cast<int>(end - begin));
  _mm256_maskstore_ps(output + begin, rest, function(_mm256_maskload_ps(input + begin, rest)));
}

template <Binary function>
void map(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  for (; begin + kLanes <= end; begin += kLanes) {
    _mm256_storeu_ps(output + begin, function(_mm256_loadu_ps(left + begin), _mm256_loadu_ps(right + begin)));
  }
  const __m256i rest = first_lanes(static_cast<int>(end - begin));
  _mm256_maskstore_ps(output + begin, rest, function(_mm256_maskload_ps(left + begin, rest), _mm256_maskload_ps(right + begin, rest)));
}

}  // namespace

void activation(Activation kind, const float* input, float* output, int64_t begin, int64_t end) {
  switch (kind) {
    case Activation::silu: return map<silu>(input, output, begin, end);
    case Activation::gelu: return map<gelu>(input, output, begin, end);
    case Activation::gelu_tanh: return map<gelu_tanh>(input, output, begin, end);
    case Activation::quick_gelu: return map<quick_gelu>(input, output, begin, end);
  }
}

void add(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  map<sum>(left, right, output, begin, end);
}

void multiply(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  map<product>(left, right, output, begin, end);
}

void swiglu(const float* gate, const float* up, float* output, int64_t begin, int64_t end) {
  map<gated_product>(gate, up, output, begin, end);
}

}  // namespace polywen::avx2
#endif
