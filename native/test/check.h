// What the kernel tests share: tiers, random numbers, comparisons. A test prints what failed and where.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "../cpu/dispatch.h"
#include "../cpu/kernels.h"
#include "../cpu/pack.h"

namespace polywen::test {

constexpr int kSkipped = 77;

inline int failures = 0;

inline void fail(const std::string& what) {
  failures++;
  if (failures <= 20) fprintf(stderr, "FAILED: %s\n", what.c_str());
}

inline std::mt19937 generator(20261124);

inline float random_float(float scale = 1) { return scale * std::normal_distribution<float>()(generator); }

inline int random_int(int begin, int end) { return std::uniform_int_distribution<int>(begin, end - 1)(generator); }

inline std::vector<float> random_floats(size_t count, float scale = 1) {
  std::vector<float> values(count);
  for (float& value : values) value = random_float(scale);
  return values;
}

inline uint16_t to_bf16(float value) {  // to nearest even
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float from_bf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

// The value of half-precision bits by the definition of the format.
inline float from_f16(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return static_cast<float>(bits & 0x8000 ? -magnitude : magnitude);
}

inline bool same_bits(const std::vector<float>& left, const std::vector<float>& right) {
  return left.size() == right.size() && memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0;
}

inline void expect_same(const std::vector<float>& left, const std::vector<float>& right, const std::string& what) {
  if (!same_bits(left, right)) fail(what + ": bits differ");
}

// |actual - expected| <= absolute + relative · |expected|, element by element.
inline void expect_close(const std::vector<float>& actual, const std::vector<double>& expected, double absolute, double relative,
                         const std::string& what) {
  for (size_t i = 0; i < expected.size(); i++) {
    if (!(std::abs(actual[i] - expected[i]) <= absolute + relative * std::abs(expected[i]))) {
      return fail(what + ": element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", not " + std::to_string(expected[i]));
    }
  }
}

// Runs a kernel over [0, count) at once and in uneven pieces, last piece first: the results have the same bits.
inline std::vector<float> run_in_pieces(size_t size, int count, const std::function<void(float* output, int begin, int end)>& kernel,
                                        const std::string& what) {
  std::vector<float> whole(size, -1), pieces(size, -2);
  kernel(whole.data(), 0, count);
  for (int end = count; end > 0;) {
    const int begin = std::max(0, end - random_int(1, 6));
    kernel(pieces.data(), begin, end);
    end = begin;
  }
  expect_same(whole, pieces, what + " in pieces");
  return whole;
}

// main() of a test: `tier` names one, without it every tier of this machine is tested.
inline int run(int count, char** arguments, void (*test_all)(const Kernels&)) {
  const std::string tier = count > 1 ? arguments[1] : "";
  bool tested = false;
  for (const Kernels* kernels : usable_tiers()) {
    if (!tier.empty() && tier != kernels->tier) continue;
    test_all(*kernels);
    tested = true;
  }
  if (!tested) return kSkipped;
  if (failures) fprintf(stderr, "%d failures\n", failures);
  return failures ? 1 : 0;
}

}  // namespace polywen::test
