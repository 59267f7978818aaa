#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "kernels.h"
#include "simd.h"

namespace polywen::avx2 {
namespace {

// As in the generic tier, to the bit.
void quantise_group(const float* input, int group, InputBlock& block) {
  const __m256i magnitude_bits = _mm256_set1_epi32(0x7fffffff);
  __m256 values[4];
  __m256i largest = _mm256_setzero_si256();  // as integers, so that NaN is larger than any number
  UNROLL
  for (int i = 0; i < 4; i++) {
    values[i] = _mm256_loadu_ps(input + i * kLanes);
    largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_castps_si256(values[i]), magnitude_bits));
  }
  __m128i most = _mm_max_epi32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0x4e));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, 0xb1));
  const float magnitude = _mm_cvtss_f32(_mm_castsi128_ps(most));
  const bool finite = _mm_cvtsi128_si32(most) < 0x7f800000, zero = magnitude < 0x1p-100f;
  block.scales[group] = zero ? 0 : magnitude / 127;
  const __m256 inverse = _mm256_set1_ps(zero || !finite ? 0 : 127 / magnitude);
  __m256i codes[4];
  UNROLL
  for (int i = 0; i < 4; i++) {
    codes[i] = finite ? _mm256_cvtps_epi32(_mm256_mul_ps(values[i], inverse)) : _mm256_setzero_si256();
  }
  const __m256i words = _mm256_packs_epi16(_mm256_packs_epi32(codes[0], codes[1]), _mm256_packs_epi32(codes[2], codes[3]));
  const __m256i bytes = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_store_si256(reinterpret_cast<__m256i*>(block.codes + group * kGroup), bytes);
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i fours = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), ones);
  __m128i low = _mm256_castsi256_si128(fours), high = _mm256_extracti128_si256(fours, 1);
  low = _mm_hadd_epi32(low, high);
  low = _mm_hadd_epi32(low, low);
  const int first = _mm_cvtsi128_si32(low), second = _mm_extract_epi32(low, 1);
  block.half_sums[2 * group] = static_cast<int16_t>(first);
  block.half_sums[2 * group + 1] = static_cast<int16_t>(second);
  block.sums[group] = first + second;
  block.products[group] = block.scales[group] * static_cast<float>(first + second);
}

}  // namespace

void quantise(const QuantiseArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    for (int first = 0; first < args.width; first += kLinearBlock) {
      InputBlock& block = args.blocks[static_cast<ptrdiff_t>(first / kLinearBlock) * args.rows + row];
      const float* input = args.input + static_cast<ptrdiff_t>(row) * args.width + first;
      const int groups = smaller(kLinearBlock, args.width - first) / kGroup;
      if (groups < kBlockGroups) block = InputBlock{};
      for (int group = 0; group < groups; group++) quantise_group(input + group * kGroup, group, block);
    }
  }
}

}  // namespace polywen::avx2
#endif
