// Attention and the store into pages that it reads from.
#include <algorithm>
#include <vector>

#include "run.h"

namespace polywen {
namespace {

// The places of a sequence's page list that some row reads.
struct Visited {
  int64_t first = INT64_MAX;
  int64_t last = -1;
};

}  // namespace

void Run::arrange_pages() {
  for (const Operation& operation : program_.operations()) {
    const Attention* attention = std::get_if<Attention>(&operation);
    if (!attention || !attention->paged) continue;
    tensor(attention->keys).resource->arrange(true, pool_);
    tensor(attention->values).resource->arrange(false, pool_);
  }
}

void Run::check_attention(const Attention& operation) {
  const int64_t limit = operation.paged ? tensor(operation.keys).resource->slots() : rows(operation.keys);
  const std::array<int64_t, 5> key = {operation.spans, operation.sequence, operation.page_spans, operation.pages, limit};
  if (std::find(checked_.begin(), checked_.end(), key) != checked_.end()) return;
  if (operation.paged) {
    check_pages(operation, limit / kPanelRows);
  } else {
    for (int64_t row = 0; row < rows(operation.query); row++) check_span(source("attention", operation.spans), integers(operation.spans), row, limit);
  }
  checked_.push_back(key);
}

// Pages that no row reads are not looked at: lists may be longer than what is in use.
void Run::check_pages(const Attention& operation, int64_t page_limit) const {
  const int32_t* sequences = integers(operation.sequence);
  const int32_t* page_spans = integers(operation.page_spans);
  const int32_t* spans = integers(operation.spans);
  const int32_t* pages = integers(operation.pages);
  std::vector<Visited> visited(static_cast<size_t>(rows(operation.page_spans)));
  for (int64_t row = 0; row < rows(operation.query); row++) {
    const int64_t sequence = sequences[row];
    check_index(source("attention", operation.sequence), row, sequence, static_cast<int64_t>(visited.size()));
    check_span(source("attention", operation.page_spans), page_spans, sequence, rows(operation.pages));
    const int64_t held = int64_t{page_spans[2 * sequence + 1]} - page_spans[2 * sequence];
    check_span(source("attention", operation.spans), spans, row, held * kPanelRows);
    if (spans[2 * row] == spans[2 * row + 1]) continue;
    Visited& range = visited[static_cast<size_t>(sequence)];
    range.first = std::min<int64_t>(range.first, spans[2 * row] / kPanelRows);
    range.last = std::max<int64_t>(range.last, (spans[2 * row + 1] - 1) / kPanelRows);
  }
  for (size_t sequence = 0; sequence < visited.size(); sequence++) {
    for (int64_t place = visited[sequence].first; place <= visited[sequence].last; place++) {
      const int64_t index = page_spans[2 * sequence] + place;
      check_index(source("attention", operation.pages), index, pages[index], page_limit);
    }
  }
}

// The more rows pass over the keys together, the less it costs to lay these out, but there must be work for all threads.
// Results do not depend on it.
int Run::block_rows(const AttentionArgs& args) const {
  const int group = args.heads / args.key_heads;
  int rows = std::max(kAttentionRows, most_block_rows(args.width) / group);
  const int64_t wanted = 4 * pool_.threads();
  while (rows > kAttentionRows && int64_t{args.key_heads} * (args.rows / rows) < wanted) rows /= 2;
  return rows;
}

void Run::operator()(const Attention& operation) {
  check_attention(operation);
  const Tensor& query = tensor(operation.query);
  AttentionArgs args = {};
  args.query = floats(operation.query);
  args.rows = static_cast<int>(rows(operation.query));
  args.heads = static_cast<int>(query.axes[0]);
  args.key_heads = static_cast<int>(tensor(operation.keys).axes[0]);
  args.width = static_cast<int>(query.axes[1]);
  args.spans = integers(operation.spans);
  args.scale = operation.scale;
  args.output = floats(operation.output);
  args.block_rows = kAttentionRows;
  args.paged = operation.paged;
  if (operation.paged) {
    args.key_pages = tensor(operation.keys).resource->pages();
    args.value_pages = tensor(operation.values).resource->pages();
    args.sequence = integers(operation.sequence);
    args.page_spans = integers(operation.page_spans);
    args.pages = integers(operation.pages);
  } else {
    args.keys = floats(operation.keys);
    args.values = floats(operation.values);
  }
  if (AttentionLoop::fits(args)) {
    pool_.run_repeatable(args.key_heads, attention_loops_.emplace_back(AttentionLoop{args, kernels_.attention}));
    return;
  }
  args.block_rows = block_rows(args);
  const int64_t blocks = (args.rows + args.block_rows - 1) / args.block_rows;
  share(blocks * args.key_heads, 1, [&](int64_t begin, int64_t end) { kernels_.attention(args, static_cast<int>(begin), static_cast<int>(end)); });
}

void Run::operator()(const Store& operation) {
  Resource& target = *tensor(operation.target).resource;
  const int64_t count = rows(operation.slots);
  check_indices(source("store", operation.slots), integers(operation.slots), count, 1, target.slots(), true);
  target.store(floats(operation.input), integers(operation.slots), static_cast<int>(count), pool_);
}

}  // namespace polywen
