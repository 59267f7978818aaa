// Activations and pairs of tensors, element by element.
#pragma once
#include "exponential.h"
#include "panel_outputs.h"

namespace polywen {
namespace {

// x / (1 + e^-y)
inline Floats gated(Floats x, Floats y) { return x / (broadcast(1.0f) + exponential(negative(y))); }

inline Floats silu(Floats x) { return gated(x, x); }

inline Floats quick_gelu(Floats x) { return gated(x, broadcast(1.702f) * x); }

// x/2 (1 + tanh u) = x σ(2u) with u = sqrt(2/π) (x + 0.044715 x³)
inline Floats gelu_tanh(Floats x) { return gated(x, broadcast(1.5957691216057308f) * multiply_add(broadcast(0.044715f), x * x * x, x)); }

// x Φ(x), where Φ(-|x|) = erfc(z) / 2 with z = |x| / sqrt 2, and erfc(z) = e^-z² t P(t) with t = 2 / (2 + z). P is a
// Chebyshev fit of erfcx(z) / t over 0 <= z <= 10.4 with a relative error of 4e-8; beyond, e^-z² is 0 in f32.
inline Floats gelu(Floats x) {
  constexpr float coefficients[] = {0.03652052953839302f,  -0.1954738050699234f,  0.39287319779396057f, -0.3065764904022217f,
                                    -0.005967644974589348f, 0.025442903861403465f, 0.05902469903230667f, 0.18445950746536255f,
                                    0.245374396443367f,    0.2822333872318268f,   0.28208932280540466f};
  const Floats size = minimum(broadcast(14.7f), magnitude(x));  // its square is finite
  const Floats t = broadcast(2.0f) / multiply_add(size, broadcast(0.70710678f), broadcast(2.0f));
  Floats p = broadcast(coefficients[0]);
  UNROLL
  for (int i = 1; i < 11; i++) p = multiply_add(p, t, broadcast(coefficients[i]));
  // The rounding error of x²/2 would be magnified by the exponential: carry it along as a factor.
  const Floats half = size * broadcast(0.5f), square = half * size;
  const Floats error = negative(subtract_product(half, size, square));
  Floats power = exponential(negative(square));
  power = subtract_product(power, error, power);
  const Floats tail = broadcast(0.5f) * power * (t * p);
  return x * choose_by_sign(x, tail, broadcast(1.0f) - tail);
}

inline Floats sum(Floats left, Floats right) { return left + right; }
inline Floats product(Floats left, Floats right) { return left * right; }
inline Floats gated_product(Floats gate, Floats up) { return silu(gate) * up; }

template <Floats (*function)(Floats)>
void map(const float* input, float* output, int64_t begin, int64_t end) {
  for (; begin + kLanes <= end; begin += kLanes) store(output + begin, function(load(input + begin)));
  const int rest = static_cast<int>(end - begin);
  if (rest > 0) store_first(output + begin, rest, function(load_first(input + begin, rest)));
}

template <Floats (*function)(Floats, Floats)>
void map_pairs(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  for (; begin + kLanes <= end; begin += kLanes) store(output + begin, function(load(left + begin), load(right + begin)));
  const int rest = static_cast<int>(end - begin);
  if (rest > 0) store_first(output + begin, rest, function(load_first(left + begin, rest), load_first(right + begin, rest)));
}

inline void map_activation(Activation kind, const float* input, float* output, int64_t begin, int64_t end) {
  switch (kind) {
    case Activation::silu: return map<silu>(input, output, begin, end);
    case Activation::gelu: return map<gelu>(input, output, begin, end);
    case Activation::gelu_tanh: return map<gelu_tanh>(input, output, begin, end);
    case Activation::quick_gelu: return map<quick_gelu>(input, output, begin, end);
  }
}

}  // namespace
}  // namespace polywen
