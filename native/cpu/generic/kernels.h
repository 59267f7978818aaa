// The kernels of the portable tier; other tiers fall back on them where instructions would not help.
#pragma once
#include "../kernels.h"

namespace polywen::generic {

void linear(const LinearArgs&, int begin, int end);
void linear_int8(const LinearArgs&, int begin, int end);
void quantise(const QuantiseArgs&, int begin, int end);
void embedding(const EmbeddingArgs&, int begin, int end);
void gather(const GatherArgs&, int begin, int end);
void rms_norm(const NormArgs&, int begin, int end);
void layer_norm(const NormArgs&, int begin, int end);
void rotary(const RotaryArgs&, int begin, int end);
void activation(Activation, const float* input, float* output, int64_t begin, int64_t end);
void add(const float* left, const float* right, float* output, int64_t begin, int64_t end);
void multiply(const float* left, const float* right, float* output, int64_t begin, int64_t end);
void swiglu(const float* gate, const float* up, float* output, int64_t begin, int64_t end);
void attention(const AttentionArgs&, int begin, int end);
double sum_of_exponentials(const double* values, int64_t count);

}  // namespace polywen::generic
