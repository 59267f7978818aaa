// The scores of the tokens of one row: its logits in double, those of tokens that were used penalised.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels.h"

namespace polywen {

constexpr int64_t kScorePiece = 4096;  // scores whose exponentials are summed before they join the total

struct Candidate {
  double score;
  int32_t id;

  // Whether this one comes first: higher score, lower id among equals.
  bool operator<(const Candidate& other) const { return score != other.score ? score > other.score : id < other.id; }
};

// Nothing of the size of the vocabulary is copied: what differs from the logits is kept beside them.
class Scores {
 public:
  Scores(const float* logits, int64_t vocabulary) : logits_(logits), vocabulary_(vocabulary) {}

  // `history` holds ids below `vocabulary`; repeats count once. A penalty of 1 changes nothing.
  Scores(const float* logits, int64_t vocabulary, const int32_t* history, int64_t history_length, double penalty);

  size_t size() const { return static_cast<size_t>(vocabulary_); }

  // The `count` highest in order.
  std::vector<Candidate> highest(size_t count) const;

  int64_t pieces() const { return (vocabulary_ + kScorePiece - 1) / kScorePiece; }

  // The sum of exp((score - maximum) / temperature) over one piece.
  double sum_of_piece(const Kernels& kernels, int64_t piece, double maximum, double temperature) const;

 private:
  bool penalised(int64_t id) const { return !used_.empty() && (used_[static_cast<size_t>(id >> 6)] >> (id & 63) & 1); }

  const float* logits_;
  int64_t vocabulary_;
  std::vector<Candidate> changed_;  // by id
  std::vector<uint64_t> used_;      // a bit for each id, or none
};

}  // namespace polywen
