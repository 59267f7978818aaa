// Routing of rows to experts, and the experts' MLPs.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "pack.h"
#include "run.h"

namespace polywen {
namespace {

// Scores in f32 of a row of logits; sums in double and in order.
void score(const Route& operation, const float* logits, int experts, std::vector<float>& scores) {
  scores.resize(static_cast<size_t>(experts));
  if (operation.sigmoid) {
    for (int e = 0; e < experts; e++) scores[static_cast<size_t>(e)] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logits[e]))));
    return;
  }
  float largest = -std::numeric_limits<float>::infinity();
  for (int e = 0; e < experts; e++) largest = logits[e] > largest ? logits[e] : largest;
  double sum = 0;
  for (int e = 0; e < experts; e++) sum += std::exp(static_cast<double>(logits[e]) - static_cast<double>(largest));
  for (int e = 0; e < experts; e++) {
    scores[static_cast<size_t>(e)] = static_cast<float>(std::exp(static_cast<double>(logits[e]) - static_cast<double>(largest)) / sum);
  }
}

// The best first, the lower number among equals. Whatever the scores are, NaN among them: `count` different experts.
void choose(const std::vector<float>& scores, int count, int32_t* chosen) {
  const int experts = static_cast<int>(scores.size());
  for (int rank = 0; rank < count; rank++) {
    int found = -1;
    for (int e = 0; e < experts; e++) {
      if (std::find(chosen, chosen + rank, e) != chosen + rank) continue;
      if (found < 0 || scores[static_cast<size_t>(e)] > scores[static_cast<size_t>(found)]) found = e;
    }
    chosen[rank] = found;
  }
}

// The rows that chose one expert: their places in the order of experts.
struct Group {
  int expert;
  int64_t begin;
  int64_t end;
};

}  // namespace

void Run::operator()(const Route& operation) {
  const int experts = static_cast<int>(tensor(operation.logits).axes[0]);
  const int count = operation.count;
  std::vector<float> scores;
  for (int64_t row = 0; row < rows(operation.logits); row++) {
    score(operation, floats(operation.logits) + row * experts, experts, scores);
    int32_t* chosen = integers(operation.experts) + row * count;
    choose(scores, count, chosen);
    double sum = 0;
    for (int rank = 0; rank < count; rank++) sum += static_cast<double>(scores[static_cast<size_t>(chosen[rank])]);
    float* weights = floats(operation.weights) + row * count;
    for (int rank = 0; rank < count; rank++) {
      const float weight = scores[static_cast<size_t>(chosen[rank])];
      weights[rank] = operation.normalise ? static_cast<float>(static_cast<double>(weight) / sum) : weight;
    }
  }
}

// The rows of each expert are gathered, quantised where its matrices are, and run through the kernels of any linear layer, so that a row has the same
// bits alone and in company. All experts share one loop over their panels.
void Run::operator()(const Experts& operation) {
  const Tensor& gate = tensor(operation.gate);
  const int64_t count = tensor(operation.experts).axes[0];
  const int64_t slots = rows(operation.experts) * count;
  const int64_t depth = gate.axes[1];
  const int64_t width = gate.axes[0];
  const int32_t* chosen = integers(operation.experts);
  check_indices(source("experts", operation.experts), chosen, slots, count, gate.rows.multiply, false);

  std::vector<int64_t> order(static_cast<size_t>(slots));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t left, int64_t right) { return chosen[left] < chosen[right]; });
  std::vector<int64_t> place(order.size());
  std::vector<Group> groups;
  for (int64_t i = 0; i < slots; i++) {
    const int64_t slot = order[static_cast<size_t>(i)];
    place[static_cast<size_t>(slot)] = i;
    if (groups.empty() || groups.back().expert != chosen[slot]) groups.push_back({chosen[slot], i, i});
    groups.back().end = i + 1;
  }

  expert_rows_.resize(std::max(expert_rows_.size(), static_cast<size_t>(slots * depth)));
  expert_gates_.resize(std::max(expert_gates_.size(), static_cast<size_t>(slots * width)));
  expert_ups_.resize(std::max(expert_ups_.size(), static_cast<size_t>(slots * width)));
  float* gathered = expert_rows_.data();
  float* gates = expert_gates_.data();
  float* ups = expert_ups_.data();
  for_rows(slots, depth, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) std::copy_n(floats(operation.input) + order[static_cast<size_t>(i)] / count * depth, depth, gathered + i * depth);
  });
  const auto run_groups = [&](int weight_id, const float* input, float* output) {
    const Tensor& weight = tensor(weight_id);
    const int64_t in = weight.axes[1], out = weight.axes[0];
    const int64_t panels = panel_count(static_cast<int>(out));
    QuantisedInput codes = {nullptr, 0};
    if (int8_ && has_quantised(weight)) codes = quantise(input, slots, static_cast<int>(in));
    pool_.run(static_cast<int64_t>(groups.size()) * panels, 1, [&](int64_t begin, int64_t end) {
      while (begin < end) {
        const Group& group = groups[static_cast<size_t>(begin / panels)];
        const int64_t base = begin / panels * panels;
        const int64_t last = std::min(end, base + panels);
        LinearArgs args = {input + group.begin * in, static_cast<int>(group.end - group.begin), weight.stack[static_cast<size_t>(group.expert)]->matrix(), nullptr,
                           output + group.begin * out};
        if (codes.blocks && is_quantised(args.weight.storage)) args.quantised = {codes.blocks + group.begin, codes.stride};
        kernels_.linear(args, static_cast<int>(begin - base), static_cast<int>(last - base));
        begin = last;
      }
    });
  };
  run_groups(operation.gate, gathered, gates);
  run_groups(operation.up, gathered, ups);
  for_rows(slots * width, 1, [&](int64_t begin, int64_t end) { kernels_.swiglu(gates, ups, gates, begin, end); });
  run_groups(operation.down, gates, gathered);
  for_rows(rows(operation.input), count * depth, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      float* output = floats(operation.output) + row * depth;
      std::fill_n(output, depth, 0.0f);
      for (int64_t slot = row * count; slot < (row + 1) * count; slot++) {
        const float weight = floats(operation.weights)[slot];
        const float* part = gathered + place[static_cast<size_t>(slot)] * depth;
        for (int64_t i = 0; i < depth; i++) output[i] += weight * part[i];
      }
    }
  });
}

}  // namespace polywen
