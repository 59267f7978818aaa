#include <cmath>

#include "kernels.h"

namespace polywen::generic {
namespace {

float silu(float x) { return x / (1 + std::exp(-x)); }

// x Φ(x); erfc rather than 1 + erf keeps the relative accuracy of the negative side.
float gelu(float x) { return static_cast<float>(0.5 * x * std::erfc(-x * 0.70710678118654752)); }

// x/2 (1 + tanh u) = x σ(2u) with u = sqrt(2/π) (x + 0.044715 x³)
float gelu_tanh(float x) { return x / (1 + std::exp(-1.5957691216057308f * (x + 0.044715f * x * x * x))); }

float quick_gelu(float x) { return x / (1 + std::exp(-1.702f * x)); }

template <typename Function>
void map(Function function, const float* input, float* output, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) output[i] = function(input[i]);
}

}  // namespace

void activation(Activation kind, const float* input, float* output, int64_t begin, int64_t end) {
  switch (kind) {
    case Activation::silu: return map(silu, input, output, begin, end);
    case Activation::gelu: return map(gelu, input, output, begin, end);
    case Activation::gelu_tanh: return map(gelu_tanh, input, output, begin, end);
    case Activation::quick_gelu: return map(quick_gelu, input, output, begin, end);
  }
}

void add(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) output[i] = left[i] + right[i];
}

void multiply(const float* left, const float* right, float* output, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) output[i] = left[i] * right[i];
}

void swiglu(const float* gate, const float* up, float* output, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) output[i] = silu(gate[i]) * up[i];
}

}  // namespace polywen::generic
