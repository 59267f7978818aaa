// Exponentials in double for numbers that are not positive: the same bits on every tier, because nothing is fused.
// Compilers make vectors of it. Everything has internal linkage: each tier compiles it with its own instructions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace polywen {
namespace {

// exp(x) for x <= 0 within two units of the last place: 2^k times the Taylor series of the rest, whose next term is
// below 2e-16 for |rest| <= ln(2) / 2. Zero below -708, where the result would be subnormal.
inline double exponential(double x) {
  constexpr double shift = 0x1.8p52;  // adding it rounds to an integer, whose bits end up lowest
  const double clamped = x > -708 ? x : -708;
  const double shifted = clamped * 0x1.71547652b82fep0 + shift;  // log2(e)
  const double k = shifted - shift;
  const double rest = (clamped - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;  // ln(2) in two parts
  double sum = 1.0 / 479001600;
  constexpr double terms[] = {1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                              1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,     1.0,        1.0};
  for (const double term : terms) sum = sum * rest + term;
  uint64_t bits, exponent;
  memcpy(&bits, &sum, sizeof bits);
  memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 52;
  memcpy(&sum, &bits, sizeof sum);
  return x > -708 ? sum : 0.0;
}

// The sum of exponentials, in eight lanes of fixed order.
inline double sum_in_lanes(const double* values, int64_t count) {
  constexpr int64_t kLanes = 8, kBlock = 512;
  double block[kBlock], lanes[kLanes] = {};
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t size = count - first < kBlock ? count - first : kBlock;
    for (int64_t i = 0; i < size; i++) block[i] = exponential(values[first + i]);
    for (int64_t i = size; i < kBlock; i++) block[i] = 0;
    for (int64_t i = 0; i < kBlock; i += kLanes) {
      for (int64_t lane = 0; lane < kLanes; lane++) lanes[lane] += block[i + lane];
    }
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace
}  // namespace polywen
