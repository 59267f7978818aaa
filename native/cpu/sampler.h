// Chooses a token from logits, in double. The algorithm is that of SampleOperation in the tensor package.
#pragma once
#include <cstdint>

#include "kernels.h"

namespace polywen {

constexpr int kSampleParameters = 6;
constexpr int kTopLogprobs = 20;

struct SampleParameters {
  float temperature;
  float top_k;
  float top_p;
  float min_p;
  float repetition_penalty;
  float top_logprobs;
};

// Throws ARGUMENT_INVALID for a value outside its range, naming `row`.
SampleParameters read_parameters(const float* values, int row);

// One row to sample from.
struct SampleRow {
  const float* logits;  // of which at least one is above -infinity, and none is NaN or infinity
  int vocabulary;
  double normaliser;    // logarithm of the sum of their exponentials
  SampleParameters parameters;
  const uint32_t* seed;    // key (two words), counter (two words)
  const int32_t* history;  // ids below `vocabulary`
  int history_length;
  int32_t* token;
  float* logprob;
  int32_t* top_tokens;   // [kTopLogprobs]
  float* top_logprobs;
};

void sample(const SampleRow& row, const Kernels& kernels);

// The first word of the Philox 4x32-10 block (Salmon et al., 2011) of a row's seed.
uint32_t philox(const uint32_t* seed);

}  // namespace polywen
