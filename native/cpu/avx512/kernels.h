// The kernels of the tier with AVX-512 F, BW, VL, DQ and VNNI.
#pragma once
#include "../kernels.h"

namespace polywen::avx512 {

void linear(const LinearArgs&, int begin, int end);
void linear_int8(const LinearArgs&, int begin, int end);
void quantise(const QuantiseArgs&, int begin, int end);
void activation(Activation, const float* input, float* output, int64_t begin, int64_t end);
void add(const float* left, const float* right, float* output, int64_t begin, int64_t end);
void multiply(const float* left, const float* right, float* output, int64_t begin, int64_t end);
void swiglu(const float* gate, const float* up, float* output, int64_t begin, int64_t end);
void attention(const AttentionArgs&, int begin, int end);
double sum_of_exponentials(const double* values, int64_t count);
int64_t peak_int8(int64_t rounds);
int64_t peak_float(int64_t rounds);

}  // namespace polywen::avx512
