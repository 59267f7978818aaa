#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "kernels.h"
#include "simd.h"

namespace polywen::avx2 {
namespace {

constexpr int kChunk = 64;  // frequencies whose cosines and sines are held at a time

struct Turn {
  alignas(32) float cosine[kChunk];
  alignas(32) float sine[kChunk];
};

inline __m256d polynomial(__m256d x, const double (&coefficients)[6]) {
  __m256d sum = _mm256_set1_pd(coefficients[5]);
  UNROLL
  for (int i = 4; i >= 0; i--) sum = _mm256_fmadd_pd(sum, x, _mm256_set1_pd(coefficients[i]));
  return sum;
}

// Cosine and sine of four angles in double: the angle less the nearest multiple of π/2 (in two parts, exact by FMA),
// Taylor polynomials with errors below 1e-11, then swap and signs by quadrant.
inline void turn_by(__m256d angle, __m128& cosine, __m128& sine) {
  constexpr double sines[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800};
  constexpr double cosines[] = {-1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};
  const __m256d n = _mm256_round_pd(_mm256_mul_pd(angle, _mm256_set1_pd(0.63661977236758134)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256d r = _mm256_fnmadd_pd(n, _mm256_set1_pd(1.5707963267948966), angle);
  r = _mm256_fnmadd_pd(n, _mm256_set1_pd(6.1232339957367660e-17), r);
  const __m256d square = _mm256_mul_pd(r, r);
  const __m256d s = _mm256_fmadd_pd(_mm256_mul_pd(r, square), polynomial(square, sines), r);
  const __m256d c = _mm256_fmadd_pd(square, polynomial(square, cosines), _mm256_set1_pd(1));

  const __m256d fours = _mm256_floor_pd(_mm256_mul_pd(n, _mm256_set1_pd(0.25)));
  const __m128i small = _mm256_cvtpd_epi32(_mm256_fnmadd_pd(fours, _mm256_set1_pd(4), n));
  const __m256i quadrant = _mm256_cvtepi32_epi64(small);
  const __m256i next = _mm256_add_epi64(quadrant, _mm256_set1_epi64x(1));
  const __m256d swap = _mm256_castsi256_pd(_mm256_slli_epi64(quadrant, 63));  // odd quadrants
  const __m256i sign = _mm256_set1_epi64x(static_cast<long long>(0x8000000000000000ull));
  const __m256d sine_sign = _mm256_castsi256_pd(_mm256_and_si256(_mm256_slli_epi64(quadrant, 62), sign));
  const __m256d cosine_sign = _mm256_castsi256_pd(_mm256_and_si256(_mm256_slli_epi64(next, 62), sign));
  sine = _mm256_cvtpd_ps(_mm256_xor_pd(_mm256_blendv_pd(s, c, swap), sine_sign));
  cosine = _mm256_cvtpd_ps(_mm256_xor_pd(_mm256_blendv_pd(c, s, swap), cosine_sign));
}

// The angle is the f32 product that other implementations round to; its cosine and sine are evaluated in double.
void fill_turn(const RotaryArgs& args, int row, int first, int count, Turn& turn) {
  const int32_t* positions = args.positions + static_cast<ptrdiff_t>(row) * args.position_axes;
  const float* frequencies = args.frequencies + (args.set ? static_cast<ptrdiff_t>(args.set[row]) * args.count : 0);
  alignas(32) float angles[kChunk];
  for (int i = 0; i < count; i++) angles[i] = static_cast<float>(positions[args.axes[first + i]]) * frequencies[first + i];
  for (int i = count; i % 4 != 0; i++) angles[i] = 0;
  const __m128 scale = _mm_set1_ps(args.scale);
  for (int i = 0; i < count; i += 4) {
    __m128 cosine, sine;
    turn_by(_mm256_cvtps_pd(_mm_load_ps(angles + i)), cosine, sine);
    _mm_store_ps(turn.cosine + i, _mm_mul_ps(cosine, scale));
    _mm_store_ps(turn.sine + i, _mm_mul_ps(sine, scale));
  }
}

// Turns `count` pairs (i, i + distance).
void turn_pairs(const float* input, ptrdiff_t distance, int count, const Turn& turn, float* output) {
  for (int i = 0; i < count; i += kLanes) {
    const __m256i mask = first_lanes(count - i);
    const __m256 cosine = _mm256_maskload_ps(turn.cosine + i, mask), sine = _mm256_maskload_ps(turn.sine + i, mask);
    const __m256 low = _mm256_maskload_ps(input + i, mask), high = _mm256_maskload_ps(input + distance + i, mask);
    _mm256_maskstore_ps(output + i, mask, _mm256_sub_ps(_mm256_mul_ps(low, cosine), _mm256_mul_ps(high, sine)));
    _mm256_maskstore_ps(output + distance + i, mask, _mm256_add_ps(_mm256_mul_ps(high, cosine), _mm256_mul_ps(low, sine)));
  }
}

}  // namespace

void rotary(const RotaryArgs& args, int begin, int end) {
  Turn turn;
  for (int row = begin; row < end; row++) {
    const ptrdiff_t start = static_cast<ptrdiff_t>(row) * args.heads * args.width;
    for (int first = 0; first < args.count; first += kChunk) {
      const int count = smaller(kChunk, args.count - first);
      fill_turn(args, row, first, count, turn);
      for (int head = 0; head < args.heads; head++) {
        const ptrdiff_t offset = start + static_cast<ptrdiff_t>(head) * args.width + first;
        turn_pairs(args.input + offset, args.count, count, turn, args.output + offset);
      }
    }
    if (args.input == args.output) continue;
    for (int head = 0; head < args.heads; head++) {
      const ptrdiff_t offset = start + static_cast<ptrdiff_t>(head) * args.width;
      for (int i = 2 * args.count; i < args.width; i++) args.output[offset + i] = args.input[offset + i];
    }
  }
}

}  // namespace polywen::avx2
#endif
