// Sampling: checks first, then what all threads do together, then one row per thread.
#include <atomic>
#include <cmath>
#include <new>
#include <vector>

#include "normalisers.h"
#include "run.h"
#include "sampler.h"

namespace polywen {

void Run::check_history(const Sample& operation) const {
  const int32_t* spans = integers(operation.history_spans);
  const int32_t* history = integers(operation.history);
  const int64_t vocabulary = tensor(operation.logits).axes[0];
  for (int64_t row = 0; row < rows(operation.logits); row++) {
    check_span(source("sample", operation.history_spans), spans, row, rows(operation.history));
    for (int64_t place = spans[2 * row]; place < spans[2 * row + 1]; place++) {
      check_index(source("sample", operation.history), place, history[place], vocabulary);
    }
  }
}

void Run::operator()(const Sample& operation) {
  check_history(operation);
  const int64_t vocabulary = tensor(operation.logits).axes[0];
  const float* logits = floats(operation.logits);
  const std::vector<double> row_normalisers = normalisers(pool_, kernels_, logits, rows(operation.logits), vocabulary);
  std::vector<SampleRow> samples;
  for (int64_t row = 0; row < rows(operation.logits); row++) {
    const double normaliser = row_normalisers[static_cast<size_t>(row)];
    if (!std::isfinite(normaliser)) {
      throw Error("NUMERICAL", {{"operation", "sample"},
                                {"tensor", tensor(operation.logits).name},
                                {"row", static_cast<double>(row)},
                                {"problem", "holds NaN, infinity or nothing above -infinity"}});
    }
    const int32_t* span = integers(operation.history_spans) + 2 * row;
    samples.push_back({logits + row * vocabulary, static_cast<int>(vocabulary), normaliser,
                       read_parameters(floats(operation.parameters) + row * kSampleParameters, static_cast<int>(row)),
                       reinterpret_cast<const uint32_t*>(integers(operation.seeds)) + 4 * row, integers(operation.history) + span[0],
                       span[1] - span[0], integers(operation.token) + row, floats(operation.logprob) + row,
                       integers(operation.top_tokens) + row * kTopLogprobs, floats(operation.top_logprobs) + row * kTopLogprobs});
  }
  std::atomic<bool> exhausted{false};
  pool_.run(static_cast<int64_t>(samples.size()), 1, [&](int64_t begin, int64_t end) {
    try {
      for (int64_t row = begin; row < end; row++) sample(samples[static_cast<size_t>(row)], kernels_);
    } catch (const std::bad_alloc&) {
      exhausted = true;
    }
  });
  if (exhausted) throw std::bad_alloc();
}

}  // namespace polywen
