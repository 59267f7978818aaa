#include "scores.h"

#include <algorithm>
#include <cmath>

namespace polywen {
namespace {

// Logits that are looked at together: hardly any stride holds one of the highest.
constexpr int64_t kStride = 64;

// Whether a value may reach the threshold. In float, whose rounding may let one too many through.
bool reaches(const float* values, int64_t count, double threshold) {
  const float low = std::nextafter(static_cast<float>(threshold), -INFINITY);
  int32_t any = 0;
  for (int64_t i = 0; i < count; i++) any |= values[i] >= low;
  return any != 0;
}

}  // namespace

Scores::Scores(const float* logits, int64_t vocabulary, const int32_t* history, int64_t history_length, double penalty) : Scores(logits, vocabulary) {
  if (penalty == 1 || history_length == 0) return;
  used_.resize(static_cast<size_t>((vocabulary + 63) >> 6));
  for (int64_t i = 0; i < history_length; i++) {
    const int32_t id = history[i];
    if (penalised(id)) continue;
    used_[static_cast<size_t>(id >> 6)] |= uint64_t{1} << (id & 63);
    const double logit = logits[id];
    changed_.push_back({logit > 0 ? logit / penalty : logit * penalty, id});
  }
  std::sort(changed_.begin(), changed_.end(), [](const Candidate& left, const Candidate& right) { return left.id < right.id; });
}

// One pass keeps twice as many candidates at most, and whenever they are too many drops those that cannot be among the
// highest.
std::vector<Candidate> Scores::highest(size_t count) const {
  std::vector<Candidate> best;
  best.reserve(2 * count);
  double threshold = -INFINITY;
  const auto add = [&](Candidate candidate) {
    best.push_back(candidate);
    if (best.size() < 2 * count) return;
    std::nth_element(best.begin(), best.begin() + static_cast<ptrdiff_t>(count) - 1, best.end());
    best.resize(count);
    threshold = best.back().score;
  };
  for (const Candidate& candidate : changed_) add(candidate);
  for (int64_t first = 0; first < vocabulary_; first += kStride) {
    const int64_t end = std::min(first + kStride, vocabulary_);
    if (!reaches(logits_ + first, end - first, threshold)) continue;
    for (int64_t id = first; id < end; id++) {
      if (logits_[id] >= threshold && !penalised(id)) add({logits_[id], static_cast<int32_t>(id)});
    }
  }
  std::sort(best.begin(), best.end());
  if (best.size() > count) best.resize(count);
  return best;
}

double Scores::sum_of_piece(const Kernels& kernels, int64_t piece, double maximum, double temperature) const {
  double scaled[kScorePiece];
  const int64_t first = piece * kScorePiece, count = std::min(kScorePiece, vocabulary_ - first);
  for (int64_t i = 0; i < count; i++) scaled[i] = static_cast<double>(logits_[first + i]) - maximum;
  if (temperature != 1) {
    for (int64_t i = 0; i < count; i++) scaled[i] /= temperature;
  }
  const auto by_id = [](const Candidate& candidate, int64_t id) { return candidate.id < id; };
  for (auto changed = std::lower_bound(changed_.begin(), changed_.end(), first, by_id); changed != changed_.end() && changed->id < first + count; changed++) {
    scaled[changed->id - first] = (changed->score - maximum) / temperature;
  }
  return kernels.sum_of_exponentials(scaled, count);
}

}  // namespace polywen
