#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "error.h"
#include "exponential.h"
#include "scores.h"

namespace polywen {
namespace {

// How many of the descending weights reach `goal`; 0 if their sum does not.
size_t count_reaching(const std::vector<double>& weights, double goal) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); i++) {
    sum += weights[i];
    if (sum >= goal) return i + 1;
  }
  return 0;
}

// Draws from the most probable tokens, of which ever more are sorted until the draw is certain: few tokens hold
// nearly all of the probability.
class Draw {
 public:
  Draw(const Scores& scores, const Kernels& kernels, const SampleParameters& parameters, double random)
      : scores_(scores),
        kernels_(kernels),
        parameters_(parameters),
        random_(random),
        limit_(parameters.top_k > 0 ? std::min(scores.size(), static_cast<size_t>(parameters.top_k)) : scores.size()) {}

  int32_t token() {
    const bool all = limit_ == scores_.size();
    take(all ? std::min<size_t>(limit_, 64) : limit_);
    total_ = all ? total_weight() : std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (;;) {
      const std::optional<int32_t> chosen = choose();
      if (chosen) return *chosen;
      take(std::min(limit_, 8 * weights_.size()));
    }
  }

 private:
  double total_weight() const {
    double sum = 0;
    for (int64_t piece = 0; piece < scores_.pieces(); piece++) sum += scores_.sum_of_piece(kernels_, piece, candidates_[0].score, parameters_.temperature);
    return sum;
  }

  void take(size_t count) {
    candidates_ = scores_.highest(count);
    weights_.resize(candidates_.size());
    for (size_t i = 0; i < weights_.size(); i++) weights_[i] = exponential((candidates_[i].score - candidates_[0].score) / parameters_.temperature);
  }

  // How many tokens top-p and min-p keep, if the sorted ones tell.
  std::optional<size_t> kept() const {
    std::optional<size_t> count;
    if (weights_.size() == limit_) count = limit_;
    if (parameters_.top_p < 1) {
      const size_t reached = count_reaching(weights_, static_cast<double>(parameters_.top_p) * total_);
      if (reached > 0) count = reached;
    }
    const double smallest = static_cast<double>(parameters_.min_p) * weights_[0];
    const auto below = std::find_if(weights_.begin(), weights_.end(), [&](double weight) { return weight < smallest; });
    const size_t above = static_cast<size_t>(below - weights_.begin());
    if (above < weights_.size()) count = std::min(count.value_or(above), above);
    return count;
  }

  // The drawn token, if the sorted ones tell.
  std::optional<int32_t> choose() const {
    const std::optional<size_t> count = kept();
    const bool filtered = parameters_.top_p < 1 || parameters_.min_p > 0;
    if (!count && filtered) return std::nullopt;
    double mass = count ? 0 : total_;
    for (size_t i = 0; i < count.value_or(0); i++) mass += weights_[i];
    double sum = 0;
    for (size_t i = 0; i < count.value_or(weights_.size()); i++) {
      sum += weights_[i];
      if (sum > random_ * mass) return candidates_[i].id;
    }
    return std::nullopt;
  }

  const Scores& scores_;
  const Kernels& kernels_;
  const SampleParameters& parameters_;
  const double random_;
  const size_t limit_;
  double total_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<double> weights_;
};

void report_alternatives(const SampleRow& row) {
  std::fill_n(row.top_tokens, kTopLogprobs, -1);
  std::fill_n(row.top_logprobs, kTopLogprobs, 0.0f);
  const size_t count = static_cast<size_t>(row.parameters.top_logprobs);
  if (count == 0) return;
  const std::vector<Candidate> best = Scores(row.logits, row.vocabulary).highest(count);
  for (size_t rank = 0; rank < best.size(); rank++) {
    row.top_tokens[rank] = best[rank].id;
    row.top_logprobs[rank] = static_cast<float>(best[rank].score - row.normaliser);
  }
}

[[noreturn]] void refuse(const char* name, int row, const char* expected, float received) {
  throw Error("ARGUMENT_INVALID", {{"argument", std::string(name) + " in row " + std::to_string(row)},
                                   {"expected", expected},
                                   {"received", static_cast<double>(received)}});
}

bool is_whole(float value) { return value >= 0 && value < INFINITY && value == std::floor(value); }

}  // namespace

SampleParameters read_parameters(const float* values, int row) {
  const SampleParameters parameters = {values[0], values[1], values[2], values[3], values[4], values[5]};
  const auto [temperature, top_k, top_p, min_p, penalty, top_logprobs] = parameters;
  if (!(temperature >= 0 && temperature < INFINITY)) refuse("temperature", row, "a number from 0 on", temperature);
  if (!is_whole(top_k)) refuse("topK", row, "an integer from 0 on", top_k);
  if (!(top_p >= 0 && top_p <= 1)) refuse("topP", row, "a number from 0 to 1", top_p);
  if (!(min_p >= 0 && min_p <= 1)) refuse("minP", row, "a number from 0 to 1", min_p);
  if (!(penalty > 0 && penalty < INFINITY)) refuse("repetitionPenalty", row, "a number above 0", penalty);
  if (!is_whole(top_logprobs) || top_logprobs > kTopLogprobs) refuse("topLogprobs", row, "an integer from 0 to 20", top_logprobs);
  return parameters;
}

void sample(const SampleRow& row, const Kernels& kernels) {
  report_alternatives(row);
  const Scores scores(row.logits, row.vocabulary, row.history, row.history_length, row.parameters.repetition_penalty);
  if (row.parameters.temperature == 0) {
    *row.token = scores.highest(1)[0].id;
  } else {
    const double random = (philox(row.seed) >> 8) * 0x1p-24;
    *row.token = Draw(scores, kernels, row.parameters, random).token();
  }
  *row.logprob = static_cast<float>(row.logits[*row.token] - row.normaliser);
}

uint32_t philox(const uint32_t* seed) {
  uint32_t counter[4] = {seed[2], seed[3], 0, 0};
  uint32_t key[2] = {seed[0], seed[1]};
  for (int round = 0; round < 10; round++) {
    const uint64_t first = uint64_t{0xd2511f53} * counter[0];
    const uint64_t second = uint64_t{0xcd9e8d57} * counter[2];
    const uint32_t next[4] = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
                              static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    std::copy_n(next, 4, counter);
    key[0] += 0x9e3779b9;
    key[1] += 0xbb67ae85;
  }
  return counter[0];
}

}  // namespace polywen
