#include <cmath>

#include "kernels.h"

namespace polywen::generic {

// Sums are double: exact enough for any order of addition, and rows are short beside the matrices around them.

void rms_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const float* input = args.input + static_cast<size_t>(row) * args.width;
    float* output = args.output + static_cast<size_t>(row) * args.width;
    double squares = 0;
    for (int i = 0; i < args.width; i++) squares += static_cast<double>(input[i]) * input[i];
    const float factor = static_cast<float>(1 / std::sqrt(squares / args.width + args.epsilon));
    for (int i = 0; i < args.width; i++) output[i] = input[i] * factor * args.weight[i];
  }
}

void layer_norm(const NormArgs& args, int begin, int end) {
  for (int row = begin; row < end; row++) {
    const float* input = args.input + static_cast<size_t>(row) * args.width;
    float* output = args.output + static_cast<size_t>(row) * args.width;
    double sum = 0;
    for (int i = 0; i < args.width; i++) sum += input[i];
    const double mean = sum / args.width;
    double squares = 0;
    for (int i = 0; i < args.width; i++) squares += (input[i] - mean) * (input[i] - mean);
    const double factor = 1 / std::sqrt(squares / args.width + args.epsilon);
    for (int i = 0; i < args.width; i++) {
      const float normal = static_cast<float>((input[i] - mean) * factor) * args.weight[i];
      output[i] = args.bias ? normal + args.bias[i] : normal;
    }
  }
}

}  // namespace polywen::generic
