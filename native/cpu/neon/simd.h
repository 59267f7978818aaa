// Vectors of sixteen lanes, one for each row of a panel, as the kernels in ../wide use them: four registers each.
// Everything has internal linkage: nothing compiled for this tier may be merged with code of another one.
#pragma once
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "../kernels.h"
#include "../unroll.h"

namespace polywen {
namespace {

constexpr int kLanes = 16;
constexpr int kParts = 4;  // registers of a vector

// Heights of tiles: as many rows as have their sums in the 32 registers.
constexpr int kFloatRows = 6;  // of linear layers with f32 inputs
constexpr int kCodeRows = 2;   // and with quantised ones
constexpr int kTileQueries = 6;
constexpr bool kSignedCodes = true;  // products are of signed bytes alone: codes of 8 bits are moved down by 128

struct Floats {
  float32x4_t v[kParts];
};
struct Integers {
  int32x4_t v[kParts];
};
struct Bytes {
  uint8x16_t v[kParts];
};

// A vector whose part i is body(i).
template <typename Vector, typename Body>
inline __attribute__((always_inline)) Vector parts(Body body) {
  return {{body(0), body(1), body(2), body(3)}};
}

// ---- Floats ----

inline Floats broadcast(float x) {
  return parts<Floats>([&](int) { return vdupq_n_f32(x); });
}
inline Floats zeros() { return broadcast(0.0f); }
inline Floats operator+(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vaddq_f32(left.v[i], right.v[i]); });
}
inline Floats operator-(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vsubq_f32(left.v[i], right.v[i]); });
}
inline Floats operator*(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vmulq_f32(left.v[i], right.v[i]); });
}
inline Floats operator/(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vdivq_f32(left.v[i], right.v[i]); });
}
inline Floats multiply_add(Floats left, Floats right, Floats addend) {
  return parts<Floats>([&](int i) { return vfmaq_f32(addend.v[i], left.v[i], right.v[i]); });
}
inline Floats subtract_product(Floats left, Floats right, Floats from) {
  return parts<Floats>([&](int i) { return vfmsq_f32(from.v[i], left.v[i], right.v[i]); });
}
inline Floats minimum(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vminq_f32(left.v[i], right.v[i]); });
}
inline Floats maximum(Floats left, Floats right) {
  return parts<Floats>([&](int i) { return vmaxq_f32(left.v[i], right.v[i]); });
}
inline Floats rounded(Floats x) {
  return parts<Floats>([&](int i) { return vrndnq_f32(x.v[i]); });
}
inline Floats negative(Floats x) {
  return parts<Floats>([&](int i) { return vnegq_f32(x.v[i]); });
}
inline Floats magnitude(Floats x) {
  return parts<Floats>([&](int i) { return vabsq_f32(x.v[i]); });
}
inline Floats choose_by_sign(Floats x, Floats if_negative, Floats otherwise) {
  return parts<Floats>([&](int i) { return vbslq_f32(vcltzq_s32(vreinterpretq_s32_f32(x.v[i])), if_negative.v[i], otherwise.v[i]); });
}

// Lanes outside of [begin, end) become `otherwise`.
inline Floats keep_lanes(Floats x, int begin, int end, Floats otherwise) {
  const int32x4_t first = {0, 1, 2, 3};
  return parts<Floats>([&](int i) {
    const int32x4_t lanes = vaddq_s32(first, vdupq_n_s32(4 * i));
    const uint32x4_t kept = vandq_u32(vcgeq_s32(lanes, vdupq_n_s32(begin)), vcltq_s32(lanes, vdupq_n_s32(end)));
    return vbslq_f32(kept, x.v[i], otherwise.v[i]);
  });
}

inline Floats load(const float* source) {
  return parts<Floats>([&](int i) { return vld1q_f32(source + 4 * i); });
}
inline void store(float* target, Floats x) {
  UNROLL
  for (int i = 0; i < kParts; i++) vst1q_f32(target + 4 * i, x.v[i]);
}
// The first `count` values, which may be more than there are lanes; zeros for the rest.
inline Floats load_first(const float* source, int count) {
  float values[kLanes] = {};
  if (count > 0) memcpy(values, source, sizeof(float) * static_cast<size_t>(count < kLanes ? count : kLanes));
  return load(values);
}
inline void store_first(float* target, int count, Floats x) {
  float values[kLanes];
  store(values, x);
  if (count > 0) memcpy(target, values, sizeof(float) * static_cast<size_t>(count < kLanes ? count : kLanes));
}

inline Floats load_f16(const uint16_t* source) {
  return parts<Floats>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(source + 4 * i))); });
}
inline Floats load_bf16(const uint16_t* source) {
  return parts<Floats>([&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(source + 4 * i), 16)); });
}
// One input of a panel: lanes j and j + 8 lie side by side.
inline Floats load_bf16_pairs(const uint16_t* source) {
  const uint32x4_t low = vreinterpretq_u32_u16(vld1q_u16(source)), high = vreinterpretq_u32_u16(vld1q_u16(source + 8));
  const uint32x4_t mask = vdupq_n_u32(0xffff0000u);
  return {{vreinterpretq_f32_u32(vshlq_n_u32(low, 16)), vreinterpretq_f32_u32(vshlq_n_u32(high, 16)),
           vreinterpretq_f32_u32(vandq_u32(low, mask)), vreinterpretq_f32_u32(vandq_u32(high, mask))}};
}

inline float largest_lane(Floats x) { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[2]), vmaxq_f32(x.v[1], x.v[3]))); }
inline float sum_of_lanes(Floats x) {
  const float32x4_t sums = vaddq_f32(vaddq_f32(x.v[0], x.v[2]), vaddq_f32(x.v[1], x.v[3]));
  const float32x2_t pair = vadd_f32(vget_low_f32(sums), vget_high_f32(sums));
  return vget_lane_f32(pair, 0) + vget_lane_f32(pair, 1);
}

// Sixteen rows become sixteen columns, in blocks of four.
inline void transpose(Floats (&rows)[kLanes]) {
  Floats columns[kLanes];
  UNROLL
  for (int top = 0; top < kParts; top++) {
    UNROLL
    for (int left = 0; left < kParts; left++) {
      const float32x4x2_t even = vtrnq_f32(rows[4 * top].v[left], rows[4 * top + 1].v[left]);
      const float32x4x2_t odd = vtrnq_f32(rows[4 * top + 2].v[left], rows[4 * top + 3].v[left]);
      columns[4 * left].v[top] = vcombine_f32(vget_low_f32(even.val[0]), vget_low_f32(odd.val[0]));
      columns[4 * left + 1].v[top] = vcombine_f32(vget_low_f32(even.val[1]), vget_low_f32(odd.val[1]));
      columns[4 * left + 2].v[top] = vcombine_f32(vget_high_f32(even.val[0]), vget_high_f32(odd.val[0]));
      columns[4 * left + 3].v[top] = vcombine_f32(vget_high_f32(even.val[1]), vget_high_f32(odd.val[1]));
    }
  }
  UNROLL
  for (int i = 0; i < kLanes; i++) rows[i] = columns[i];
}

// ---- Integers of 32 bits ----

inline Integers broadcast(int x) {
  return parts<Integers>([&](int) { return vdupq_n_s32(x); });
}
inline Integers operator+(Integers left, Integers right) {
  return parts<Integers>([&](int i) { return vaddq_s32(left.v[i], right.v[i]); });
}
inline Integers operator-(Integers left, Integers right) {
  return parts<Integers>([&](int i) { return vsubq_s32(left.v[i], right.v[i]); });
}
inline Integers operator*(Integers left, Integers right) {
  return parts<Integers>([&](int i) { return vmulq_s32(left.v[i], right.v[i]); });
}
inline Integers maximum(Integers left, Integers right) {
  return parts<Integers>([&](int i) { return vmaxq_s32(left.v[i], right.v[i]); });
}
inline Integers half_of(Integers x) {  // rounded down
  return parts<Integers>([&](int i) { return vshrq_n_s32(x.v[i], 1); });
}
inline Floats to_floats(Integers x) {
  return parts<Floats>([&](int i) { return vcvtq_f32_s32(x.v[i]); });
}
inline Integers to_integers(Floats x) {  // the nearest, even ones among equals
  return parts<Integers>([&](int i) { return vcvtnq_s32_f32(x.v[i]); });
}
inline Integers bits_of(Floats x) {
  return parts<Integers>([&](int i) { return vreinterpretq_s32_f32(x.v[i]); });
}
// 2^n by its bits, for n of a normal number.
inline Floats power_of_two(Integers n) {
  return parts<Floats>([&](int i) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n.v[i], vdupq_n_s32(127)), 23)); });
}

inline Integers load(const int32_t* source) {
  return parts<Integers>([&](int i) { return vld1q_s32(source + 4 * i); });
}
inline void store(int32_t* target, Integers x) {
  UNROLL
  for (int i = 0; i < kParts; i++) vst1q_s32(target + 4 * i, x.v[i]);
}
inline Integers load_unsigned(const uint8_t* bytes) {
  const uint8x16_t x = vld1q_u8(bytes);
  const uint16x8_t low = vmovl_u8(vget_low_u8(x)), high = vmovl_u8(vget_high_u8(x));
  return {{vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low))),
           vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high)))}};
}
inline Integers load_signed(const uint8_t* bytes) {
  const int8x16_t x = vreinterpretq_s8_u8(vld1q_u8(bytes));
  const int16x8_t low = vmovl_s8(vget_low_s8(x)), high = vmovl_s8(vget_high_s8(x));
  return {{vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)), vmovl_s16(vget_low_s16(high)), vmovl_s16(vget_high_s16(high))}};
}
// Values that a signed byte holds.
inline void store_low_bytes(int8_t* target, Integers x) {
  const int16x8_t low = vcombine_s16(vmovn_s32(x.v[0]), vmovn_s32(x.v[1])), high = vcombine_s16(vmovn_s32(x.v[2]), vmovn_s32(x.v[3]));
  vst1q_s8(target, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
inline int largest_lane(Integers x) { return vmaxvq_s32(vmaxq_s32(vmaxq_s32(x.v[0], x.v[1]), vmaxq_s32(x.v[2], x.v[3]))); }
inline int sum_of_lanes(Integers x) { return vaddvq_s32(vaddq_s32(vaddq_s32(x.v[0], x.v[1]), vaddq_s32(x.v[2], x.v[3]))); }

// ---- Bytes: four of every lane ----

inline Bytes load_bytes(const void* source) {
  return parts<Bytes>([&](int i) { return vld1q_u8(static_cast<const uint8_t*>(source) + 16 * i); });
}
inline void store_bytes(void* target, Bytes x) {
  UNROLL
  for (int i = 0; i < kParts; i++) vst1q_u8(static_cast<uint8_t*>(target) + 16 * i, x.v[i]);
}
inline Bytes operator|(Bytes left, Bytes right) {
  return parts<Bytes>([&](int i) { return vorrq_u8(left.v[i], right.v[i]); });
}
inline Bytes low_nibbles(Bytes x) {
  return parts<Bytes>([&](int i) { return vandq_u8(x.v[i], vdupq_n_u8(15)); });
}
inline Bytes high_nibbles(Bytes x) {
  return parts<Bytes>([&](int i) { return vshrq_n_u8(x.v[i], 4); });
}
// Bits from `first` on, moved to bit 4; `mask` keeps those that are wanted.
inline Bytes bits_at_four(Bytes x, int first, int mask) {
  return parts<Bytes>([&](int i) { return vandq_u8(vshlq_u8(x.v[i], vdupq_n_s8(static_cast<int8_t>(4 - first))), vdupq_n_u8(static_cast<uint8_t>(mask))); });
}
inline Bytes translate(const uint8_t (&table)[16], Bytes nibbles) {
  return parts<Bytes>([&](int i) { return vqtbl1q_u8(vld1q_u8(table), nibbles.v[i]); });
}
inline Bytes flip_sign(Bytes x) {
  return parts<Bytes>([&](int i) { return veorq_u8(x.v[i], vdupq_n_u8(128)); });
}
// The byte of every lane that stands for input `index` of four.
inline Integers byte_of_lanes(Bytes x, int index) {
  return parts<Integers>([&](int i) {
    const uint32x4_t moved = vshlq_u32(vreinterpretq_u32_u8(x.v[i]), vdupq_n_s32(-8 * index));
    return vreinterpretq_s32_u32(vandq_u32(moved, vdupq_n_u32(255)));
  });
}

// Adds to each lane its four codes times four inputs.
inline Integers add_products(Integers sums, Bytes codes, const int8_t* inputs) {
  int word;
  memcpy(&word, inputs, sizeof word);
  const int8x16_t repeated = vreinterpretq_s8_s32(vdupq_n_s32(word));
  return parts<Integers>([&](int i) { return vdotq_s32(sums.v[i], vreinterpretq_s8_u8(codes.v[i]), repeated); });
}

}  // namespace
}  // namespace polywen
