// The sampler against a plain one that sorts the whole vocabulary, and against the published number of Philox.
#include "../cpu/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../cpu/exponential.h"
#include "../cpu/normalisers.h"
#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

uint32_t random_word() { return static_cast<uint32_t>(generator()); }

struct Result {
  int32_t token = -2;
  float logprob = 0;
  std::vector<int32_t> top_tokens = std::vector<int32_t>(kTopLogprobs, -2);
  std::vector<float> top_logprobs = std::vector<float>(kTopLogprobs, -2);
};

bool run_sample(const std::vector<float>& logits, const SampleParameters& parameters, const std::vector<uint32_t>& seed,
                const std::vector<int32_t>& history, Result& result) {
  static ThreadPool pool(2);
  const int vocabulary = static_cast<int>(logits.size());
  const double normaliser = normalisers(pool, generic_kernels(), logits.data(), 1, vocabulary)[0];
  if (!std::isfinite(normaliser)) return false;
  sample({logits.data(), vocabulary, normaliser, parameters, seed.data(), history.data(), static_cast<int>(history.size()),
          &result.token, &result.logprob, result.top_tokens.data(), result.top_logprobs.data()},
         generic_kernels());
  return true;
}

// Step by step as SampleOperation says, with everything sorted and in long double.
int32_t plain_token(const std::vector<float>& logits, const SampleParameters& parameters, const std::vector<uint32_t>& seed,
                    const std::vector<int32_t>& history) {
  std::vector<double> values(logits.begin(), logits.end());
  for (const int32_t id : history) {
    values[id] = logits[id] > 0 ? logits[id] / static_cast<double>(parameters.repetition_penalty) : logits[id] * static_cast<double>(parameters.repetition_penalty);
  }
  std::vector<int32_t> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t left, int32_t right) { return values[left] > values[right]; });
  if (parameters.temperature == 0) return ids[0];
  if (parameters.top_k > 0 && parameters.top_k < ids.size()) ids.resize(static_cast<size_t>(parameters.top_k));
  std::vector<long double> weights;
  for (const int32_t id : ids) weights.push_back(std::exp((static_cast<long double>(values[id]) - values[ids[0]]) / parameters.temperature));
  const auto sum = [&] { return std::accumulate(weights.begin(), weights.end(), 0.0L); };
  if (parameters.top_p < 1) {
    const long double goal = parameters.top_p * sum();
    long double reached = 0;
    size_t count = 0;
    while (count < weights.size()) {
      reached += weights[count++];
      if (reached >= goal) break;
    }
    weights.resize(count);
  }
  while (weights.back() < parameters.min_p) weights.pop_back();
  const long double goal = (philox(seed.data()) >> 8) * 0x1p-24L * sum();
  long double cumulative = 0;
  for (size_t i = 0; i < weights.size(); i++) {
    cumulative += weights[i];
    if (cumulative > goal) return ids[i];
  }
  return -1;
}

void test_against_plain(size_t vocabulary, int rounds, float scale, bool masked) {
  for (int round = 0; round < rounds; round++) {
    std::vector<float> logits = random_floats(vocabulary, scale);
    if (masked) {
      for (float& logit : logits) {
        if (random_int(0, 3) > 0) logit = -INFINITY;
      }
      logits[vocabulary / 2] = 1;
    }
    const float temperatures[] = {0, 0.3f, 1, 2}, top_ps[] = {1, 0.95f, 0.3f, 0}, min_ps[] = {0, 0, 0.05f, 1}, penalties[] = {1, 1.3f, 0.8f};
    const float top_ks[] = {0, 1, 40, 100000};
    const SampleParameters parameters = {temperatures[random_int(0, 4)], top_ks[random_int(0, 4)], top_ps[random_int(0, 4)],
                                         min_ps[random_int(0, 4)],       penalties[random_int(0, 3)], static_cast<float>(random_int(0, 21))};
    const std::vector<uint32_t> seed = {random_word(), random_word(), random_word(), random_word()};
    std::vector<int32_t> history(static_cast<size_t>(random_int(0, 10)));
    for (int32_t& id : history) id = random_int(0, static_cast<int>(vocabulary));
    Result result;
    if (!run_sample(logits, parameters, seed, history, result)) fail("usable logits were refused");
    const int32_t expected = plain_token(logits, parameters, seed, history);
    if (result.token != expected) fail("token " + std::to_string(result.token) + ", not " + std::to_string(expected));

    long double mass = 0;
    for (const float logit : logits) mass += std::exp(static_cast<long double>(logit));
    if (std::abs(result.logprob - (logits[static_cast<size_t>(result.token)] - std::log(mass))) > 1e-5) fail("a log-probability is wrong");
    std::vector<float> sorted = logits;
    std::sort(sorted.rbegin(), sorted.rend());
    for (size_t rank = 0; rank < kTopLogprobs; rank++) {
      const bool wanted = static_cast<float>(rank) < parameters.top_logprobs && rank < vocabulary;
      if (!wanted && result.top_tokens[rank] != -1) fail("too many alternatives");
      if (wanted && logits[static_cast<size_t>(result.top_tokens[rank])] != sorted[rank]) fail("an alternative is wrong");
    }
  }
}

void test_ties() {
  Result result;
  const std::vector<float> equal(70000, 2.5f);
  if (!run_sample(equal, {0, 0, 1, 0, 1, 20}, {1, 2, 3, 4}, {}, result)) fail("equal logits were refused");
  if (result.token != 0) fail("greedy took a higher id among equals");
  for (int rank = 0; rank < kTopLogprobs; rank++) {
    if (result.top_tokens[static_cast<size_t>(rank)] != rank) fail("equals are not sorted by id");
  }
  run_sample(equal, {1, 0, 1, 0, 1, 0}, {9, 8, 7, 6}, {}, result);
  const std::vector<uint32_t> seed = {9, 8, 7, 6};
  const int32_t expected = static_cast<int32_t>(std::floor((philox(seed.data()) >> 8) * 0x1p-24 * 70000));
  if (std::abs(result.token - expected) > 1) fail("a uniform draw is off");
}

void test_refusals() {
  Result result;
  for (const float bad : {NAN, INFINITY}) {
    if (run_sample({1, bad, 2}, {0, 0, 1, 0, 1, 0}, {0, 0, 0, 0}, {}, result)) fail("unusable logits were accepted");
  }
  if (run_sample({-INFINITY, -INFINITY}, {1, 0, 1, 0, 1, 0}, {0, 0, 0, 0}, {}, result)) fail("logits without a token were accepted");
}

// The known answer of the Random123 library whose upper counter words are zero, as they are in sampling.
void test_philox() {
  const uint32_t zeros[4] = {};
  if (philox(zeros) != 0x6627e8d5) fail("philox of zeros");
}

void test_exponential() {
  for (double x = -700; x <= 0; x += 0.0137) {
    if (std::abs(exponential(x) / std::exp(x) - 1) > 4e-16) fail("exponential of " + std::to_string(x));
  }
  if (exponential(0) != 1 || exponential(-INFINITY) != 0 || exponential(-1e300) != 0) fail("exponential at its ends");
}

}  // namespace

int main() {
  test_philox();
  test_exponential();
  test_refusals();
  test_ties();
  test_against_plain(1, 20, 1, false);
  test_against_plain(50, 2000, 2, false);
  test_against_plain(500, 500, 3, true);
  test_against_plain(20000, 60, 1, false);
  test_against_plain(152000, 12, 4, false);
  return failures ? 1 : 0;
}
