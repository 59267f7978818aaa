// Operations whose rows or elements do not depend on each other.
#include <algorithm>

#include "pack.h"
#include "run.h"

namespace polywen {

void Run::check_embedding(const Embedding& operation) const {
  const int32_t* ids = integers(operation.ids);
  const int32_t* media = integers(operation.media_index);
  const int64_t slots = media ? tensor(operation.media_rows).resource->slots() : 0;
  for (int64_t row = 0; row < rows(operation.ids); row++) {
    if (media && media[row] != -1) check_index(source("embedding", operation.media_index), row, media[row], slots);
    else check_index(source("embedding", operation.ids), row, ids[row], tensor(operation.table).weight->out);
  }
}

void Run::operator()(const Embedding& operation) {
  check_embedding(operation);
  const float* media = operation.media_rows < 0 ? nullptr : tensor(operation.media_rows).resource->rows();
  const EmbeddingArgs args = {integers(operation.ids), tensor(operation.table).weight->matrix(), media, integers(operation.media_index), floats(operation.output)};
  for_rows(rows(operation.ids), args.table.in, [&](int64_t begin, int64_t end) { kernels_.embedding(args, static_cast<int>(begin), static_cast<int>(end)); });
}

void Run::operator()(const Gather& operation) {
  const int64_t taps = tensor(operation.indices).axes[0];
  const Resource* resource = tensor(operation.source).resource;
  const int64_t limit = resource ? resource->slots() : rows(operation.source);
  check_indices(source("gather", operation.indices), integers(operation.indices), elements(operation.indices), taps, limit, true);
  const GatherArgs args = {resource ? resource->rows() : floats(operation.source), static_cast<int>(tensor(operation.source).axes[0]),
                           integers(operation.indices), static_cast<int>(taps),
                           operation.mean,            floats(operation.output)};
  for_rows(rows(operation.indices), taps * args.width, [&](int64_t begin, int64_t end) { kernels_.gather(args, static_cast<int>(begin), static_cast<int>(end)); });
}

QuantisedInput Run::quantise(const float* input, int64_t count, int width) {
  const QuantiseArgs args = {input, static_cast<int>(count), width, program_.quantised_input()};
  for_rows(count, width, [&](int64_t begin, int64_t end) { kernels_.quantise(args, static_cast<int>(begin), static_cast<int>(end)); });
  quantised_ = -1;
  return {args.blocks, args.rows};
}

// The input of a linear operation as integers, or null where it is used as it is.
QuantisedInput Run::quantise(const Linear& operation) {
  const Weight& weight = *tensor(operation.weight).weight;
  if (!int8_ || !is_quantised(weight.storage)) return {nullptr, 0};
  const int64_t count = rows(operation.input);
  if (quantised_ == operation.input) return {program_.quantised_input(), static_cast<int>(count)};
  const QuantisedInput quantised = quantise(floats(operation.input), count, weight.in);
  quantised_ = operation.input;
  return quantised;
}

LinearArgs Run::linear_args(const Linear& operation) {
  return {floats(operation.input), static_cast<int>(rows(operation.input)), tensor(operation.weight).weight->matrix(), floats(operation.bias), floats(operation.output),
          quantise(operation)};
}

void Run::run_linear(std::span<const Linear* const> operations) {
  const int64_t count = rows(operations[0]->input);
  if (count == 0) return;
  std::vector<LinearArgs> parts;
  for (const Linear* operation : operations) parts.push_back(linear_args(*operation));
  if (LinearLoop::fits(parts)) {
    const LinearLoop& loop = linear_loops_.emplace_back(kernels_.linear, parts);
    pool_.run_repeatable(loop.chunks(), loop);
  } else {
    run_tall(parts);
  }
}

// Blocks of rows times groups of panels are shared out, the blocks of a group one after the other: a kernel lays out a
// block of inputs once for a group, and the weights of a group are still in a cache when the next block meets them.
void Run::run_tall(std::span<const LinearArgs> parts) {
  constexpr int64_t kItemsPerThread = 4;
  struct Group {
    const LinearArgs& part;
    int begin, end;  // panels
  };
  const int64_t count = parts[0].rows, blocks = (count + kBlockRows - 1) / kBlockRows;
  const int64_t wanted = (kItemsPerThread * pool_.threads() - 1) / (blocks * static_cast<int64_t>(parts.size())) + 1;  // groups of a part
  std::vector<Group> groups;
  for (const LinearArgs& part : parts) {
    const int64_t panels = panel_count(part.weight.out);
    const int64_t pieces = std::min(panels, std::max(wanted, (panels + kBlockPanels - 1) / kBlockPanels));
    for (int64_t i = 0; i < pieces; i++) groups.push_back({part, static_cast<int>(panels * i / pieces), static_cast<int>(panels * (i + 1) / pieces)});
  }
  share(blocks * static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
      const Group& group = groups[static_cast<size_t>(item / blocks)];
      const int64_t first = item % blocks * kBlockRows;
      LinearArgs args = group.part;
      args.input += first * args.weight.in;
      args.rows = static_cast<int>(std::min<int64_t>(kBlockRows, count - first));
      args.output += first * args.weight.out;
      if (args.quantised.blocks) args.quantised.blocks += first;
      kernels_.linear(args, group.begin, group.end);
    }
  });
}

void Run::operator()(const Norm& operation) {
  const int64_t width = tensor(operation.weight).weight->in;
  const NormArgs args = {floats(operation.input), static_cast<int>(width), floats(operation.weight), floats(operation.bias), operation.epsilon, floats(operation.output)};
  const auto norm = operation.layer ? kernels_.layer_norm : kernels_.rms_norm;
  for_rows(elements(operation.input) / width, width, [&](int64_t begin, int64_t end) { norm(args, static_cast<int>(begin), static_cast<int>(end)); });
}

void Run::operator()(const Rotary& operation) {
  const Tensor& input = tensor(operation.input);
  const int64_t count = rows(operation.input);
  if (operation.set >= 0) check_indices(source("rotary", operation.set), integers(operation.set), count, 1, rows(operation.frequencies), false);
  const RotaryArgs args = {floats(operation.input),
                           static_cast<int>(input.axes[0]),
                           static_cast<int>(input.axes[1]),
                           integers(operation.positions),
                           static_cast<int>(tensor(operation.positions).axes[0]),
                           floats(operation.frequencies),
                           static_cast<int>(operation.axes.size()),
                           integers(operation.set),
                           operation.axes.data(),
                           operation.scale,
                           floats(operation.output)};
  for_rows(count, input.row_length(), [&](int64_t begin, int64_t end) { kernels_.rotary(args, static_cast<int>(begin), static_cast<int>(end)); });
}

void Run::operator()(const Activate& operation) {
  for_rows(elements(operation.input), 1, [&](int64_t begin, int64_t end) {
    kernels_.activation(operation.function, floats(operation.input), floats(operation.output), begin, end);
  });
}

void Run::operator()(const Combine& operation) {
  const auto combine = operation.kind == Combine::Kind::add        ? kernels_.add
                       : operation.kind == Combine::Kind::multiply ? kernels_.multiply
                                                                   : kernels_.swiglu;
  for_rows(elements(operation.left), 1, [&](int64_t begin, int64_t end) {
    combine(floats(operation.left), floats(operation.right), floats(operation.output), begin, end);
  });
}

void Run::operator()(const Scale& operation) {
  const int64_t width = tensor(operation.weight).weight->in;
  for_rows(elements(operation.input) / width, width, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * width; first < end * width; first += width) {
      kernels_.multiply(floats(operation.input) + first, floats(operation.weight), floats(operation.output) + first, 0, width);
    }
  });
}

}  // namespace polywen
