// Vectors of sixteen lanes, one for each row of a panel, as the kernels in ../wide use them: a register each. Everything
// has internal linkage: nothing compiled for this tier may be merged with code of another one.
#pragma once
#include <stdint.h>
#include <string.h>

#include "../kernels.h"
#include "../unroll.h"
#include "intrinsics.h"

namespace polywen {
namespace {

constexpr int kLanes = 16;

// Heights of tiles: as many rows as have their sums in the 32 registers.
constexpr int kFloatRows = 12;  // of linear layers with f32 inputs
constexpr int kCodeRows = 8;    // and with quantised ones
constexpr int kTileQueries = 8;
constexpr bool kSignedCodes = false;  // codes enter integer products as they are

struct Floats {
  __m512 v;
};
struct Integers {
  __m512i v;
};
struct Bytes {
  __m512i v;
};

// ---- Floats ----

inline Floats zeros() { return {_mm512_setzero_ps()}; }
inline Floats broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Floats operator+(Floats left, Floats right) { return {_mm512_add_ps(left.v, right.v)}; }
inline Floats operator-(Floats left, Floats right) { return {_mm512_sub_ps(left.v, right.v)}; }
inline Floats operator*(Floats left, Floats right) { return {_mm512_mul_ps(left.v, right.v)}; }
inline Floats operator/(Floats left, Floats right) { return {_mm512_div_ps(left.v, right.v)}; }
inline Floats multiply_add(Floats left, Floats right, Floats addend) { return {_mm512_fmadd_ps(left.v, right.v, addend.v)}; }
inline Floats subtract_product(Floats left, Floats right, Floats from) { return {_mm512_fnmadd_ps(left.v, right.v, from.v)}; }
// NaN where the second one is.
inline Floats minimum(Floats left, Floats right) { return {_mm512_min_ps(left.v, right.v)}; }
inline Floats maximum(Floats left, Floats right) { return {_mm512_max_ps(left.v, right.v)}; }
inline Floats rounded(Floats x) { return {_mm512_roundscale_ps(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
inline Floats negative(Floats x) { return {_mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(static_cast<int>(0x80000000u))))}; }
inline Floats magnitude(Floats x) { return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(0x7fffffff)))}; }
inline Floats choose_by_sign(Floats x, Floats if_negative, Floats otherwise) {
  return {_mm512_mask_mov_ps(otherwise.v, _mm512_movepi32_mask(_mm512_castps_si512(x.v)), if_negative.v)};
}

inline __mmask16 first_lanes(int count) { return static_cast<__mmask16>(count >= kLanes ? 0xffff : count <= 0 ? 0 : (1 << count) - 1); }

// Lanes outside of [begin, end) become `otherwise`.
inline Floats keep_lanes(Floats x, int begin, int end, Floats otherwise) {
  return {_mm512_mask_mov_ps(otherwise.v, static_cast<__mmask16>(first_lanes(end) & ~first_lanes(begin)), x.v)};
}

inline Floats load(const float* source) { return {_mm512_loadu_ps(source)}; }
inline void store(float* target, Floats x) { _mm512_storeu_ps(target, x.v); }
// The first `count` values, which may be more than there are lanes; zeros for the rest.
inline Floats load_first(const float* source, int count) { return {_mm512_maskz_loadu_ps(first_lanes(count), source)}; }
inline void store_first(float* target, int count, Floats x) { _mm512_mask_storeu_ps(target, first_lanes(count), x.v); }

inline __m256i load_sixteen_words(const void* source) { return _mm256_loadu_si256(static_cast<const __m256i*>(source)); }
inline Floats load_f16(const uint16_t* source) { return {_mm512_cvtph_ps(load_sixteen_words(source))}; }
inline Floats load_bf16(const uint16_t* source) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_sixteen_words(source)), 16))}; }
// One input of a panel: lanes j and j + 8 lie side by side.
inline Floats load_bf16_pairs(const uint16_t* source) {
  const __m512i pairs = _mm512_broadcast_i64x4(load_sixteen_words(source));
  const __m512i shifts = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi32(16), 0);
  return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_sllv_epi32(pairs, shifts), _mm512_set1_epi32(static_cast<int>(0xffff0000u))))};
}

// Reductions by hand and in a fixed order: halves, quarters, pairs.
#define shuffle_words(x, order) _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(x), order))
inline __m512i swap_lanes(__m512i x, int distance) {
  switch (distance) {
    case 8: return _mm512_shuffle_i32x4(x, x, 0x4e);
    case 4: return _mm512_shuffle_i32x4(x, x, 0xb1);
    case 2: return shuffle_words(x, 0x4e);
    default: return shuffle_words(x, 0xb1);
  }
}
inline Floats swap_lanes(Floats x, int distance) { return {_mm512_castsi512_ps(swap_lanes(_mm512_castps_si512(x.v), distance))}; }

inline float largest_lane(Floats x) {
  UNROLL
  for (int distance = 8; distance > 0; distance /= 2) x = maximum(x, swap_lanes(x, distance));
  return _mm_cvtss_f32(_mm512_castps512_ps128(x.v));
}

inline float sum_of_lanes(Floats x) {
  UNROLL
  for (int distance = 8; distance > 0; distance /= 2) x = x + swap_lanes(x, distance);
  return _mm_cvtss_f32(_mm512_castps512_ps128(x.v));
}

#undef shuffle_words

// Sixteen rows become sixteen columns.
inline void transpose(Floats (&rows)[kLanes]) {
  __m512 a[kLanes], b[kLanes];
  UNROLL
  for (int i = 0; i < 8; i++) {
    a[2 * i] = _mm512_unpacklo_ps(rows[2 * i].v, rows[2 * i + 1].v);
    a[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i].v, rows[2 * i + 1].v);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    b[4 * i] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
    b[4 * i + 1] = _mm512_shuffle_ps(a[4 * i], a[4 * i + 2], 0xee);
    b[4 * i + 2] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
    b[4 * i + 3] = _mm512_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xee);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {  // columns i, i + 4, i + 8 and i + 12 of four rows each
    const __m512i r0 = _mm512_castps_si512(b[i]), r4 = _mm512_castps_si512(b[4 + i]);
    const __m512i r8 = _mm512_castps_si512(b[8 + i]), r12 = _mm512_castps_si512(b[12 + i]);
    const __m512i even_low = _mm512_shuffle_i32x4(r0, r4, 0x88), odd_low = _mm512_shuffle_i32x4(r0, r4, 0xdd);
    const __m512i even_high = _mm512_shuffle_i32x4(r8, r12, 0x88), odd_high = _mm512_shuffle_i32x4(r8, r12, 0xdd);
    rows[i].v = _mm512_castsi512_ps(_mm512_shuffle_i32x4(even_low, even_high, 0x88));
    rows[8 + i].v = _mm512_castsi512_ps(_mm512_shuffle_i32x4(even_low, even_high, 0xdd));
    rows[4 + i].v = _mm512_castsi512_ps(_mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
    rows[12 + i].v = _mm512_castsi512_ps(_mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
  }
}

// ---- Integers of 32 bits ----

inline Integers broadcast(int x) { return {_mm512_set1_epi32(x)}; }
inline Integers operator+(Integers left, Integers right) { return {_mm512_add_epi32(left.v, right.v)}; }
inline Integers operator-(Integers left, Integers right) { return {_mm512_sub_epi32(left.v, right.v)}; }
inline Integers operator*(Integers left, Integers right) { return {_mm512_mullo_epi32(left.v, right.v)}; }
inline Integers maximum(Integers left, Integers right) { return {_mm512_max_epi32(left.v, right.v)}; }
inline Integers half_of(Integers x) { return {_mm512_srai_epi32(x.v, 1)}; }  // rounded down
inline Floats to_floats(Integers x) { return {_mm512_cvtepi32_ps(x.v)}; }
inline Integers to_integers(Floats x) { return {_mm512_cvtps_epi32(x.v)}; }  // the nearest, even ones among equals
inline Integers bits_of(Floats x) { return {_mm512_castps_si512(x.v)}; }
// 2^n by its bits, for n of a normal number.
inline Floats power_of_two(Integers n) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n.v, _mm512_set1_epi32(127)), 23))}; }

inline Integers load(const int32_t* source) { return {_mm512_loadu_si512(source)}; }
inline void store(int32_t* target, Integers x) { _mm512_storeu_si512(target, x.v); }
inline Integers load_unsigned(const uint8_t* bytes) { return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)))}; }
inline Integers load_signed(const uint8_t* bytes) { return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)))}; }
// Values that a signed byte holds.
inline void store_low_bytes(int8_t* target, Integers x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm512_cvtsepi32_epi8(x.v)); }

inline int largest_lane(Integers x) {
  UNROLL
  for (int distance = 8; distance > 0; distance /= 2) x = maximum(x, {swap_lanes(x.v, distance)});
  return _mm_cvtsi128_si32(_mm512_castsi512_si128(x.v));
}

inline int sum_of_lanes(Integers x) {
  UNROLL
  for (int distance = 8; distance > 0; distance /= 2) x = x + Integers{swap_lanes(x.v, distance)};
  return _mm_cvtsi128_si32(_mm512_castsi512_si128(x.v));
}

// ---- Bytes: four of every lane ----

inline Bytes load_bytes(const void* source) { return {_mm512_loadu_si512(source)}; }
inline void store_bytes(void* target, Bytes x) { _mm512_storeu_si512(target, x.v); }
inline Bytes operator|(Bytes left, Bytes right) { return {_mm512_or_si512(left.v, right.v)}; }
inline Bytes low_nibbles(Bytes x) { return {_mm512_and_si512(x.v, _mm512_set1_epi8(15))}; }
inline Bytes high_nibbles(Bytes x) { return low_nibbles({_mm512_srli_epi16(x.v, 4)}); }
// Bits from `first` on, moved to bit 4; `mask` keeps those that are wanted.
inline Bytes bits_at_four(Bytes x, int first, int mask) {
  const __m512i moved = first <= 4 ? _mm512_slli_epi16(x.v, static_cast<unsigned>(4 - first)) : _mm512_srli_epi16(x.v, static_cast<unsigned>(first - 4));
  return {_mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(mask)))};
}
inline Bytes translate(const uint8_t (&table)[16], Bytes nibbles) {
  const __m512i entries = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm512_shuffle_epi8(entries, nibbles.v)};
}
inline Bytes flip_sign(Bytes x) { return {_mm512_xor_si512(x.v, _mm512_set1_epi8(-128))}; }
// The byte of every lane that stands for input `index` of four.
inline Integers byte_of_lanes(Bytes x, int index) {
  return {_mm512_and_si512(_mm512_srli_epi32(x.v, static_cast<unsigned>(8 * index)), _mm512_set1_epi32(255))};
}

// Adds to each lane its four codes times four inputs.
inline Integers add_products(Integers sums, Bytes codes, const int8_t* inputs) {
  int word;
  memcpy(&word, inputs, sizeof word);
  return {_mm512_dpbusd_epi32(sums.v, codes.v, _mm512_set1_epi32(word))};
}

}  // namespace
}  // namespace polywen
