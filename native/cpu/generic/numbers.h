// Conversions between storage formats and f32. Internal linkage, so that every instruction tier has its own copy.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace polywen::generic {

static inline float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float float_of_bf16(uint16_t bits) { return float_of_bits(static_cast<uint32_t>(bits) << 16); }

static inline float float_of_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: mantissa units of 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + 112;
  return float_of_bits(sign | wide_exponent << 23 | mantissa << 13);
}

// left * right + addend, fused where the target does that in one instruction; a library call for every product
// would make the portable tier useless on the others.
static inline float multiply_add(float left, float right, float addend) {
#ifdef FP_FAST_FMAF
  return fmaf(left, right, addend);
#else
  return left * right + addend;
#endif
}

}  // namespace polywen::generic
