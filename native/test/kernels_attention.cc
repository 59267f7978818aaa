// Attention against softmax in double, and its invariances: a row alone or among others, items in any division, packed or
// paged keys.
#include <algorithm>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

struct Shape {
  int heads, key_heads, width;
};

// The keys and values of every sequence by position, and the rows that look at them.
struct Problem {
  Shape shape;
  int rows = 0;
  std::vector<std::vector<float>> keys, values;  // of a sequence: [positions, key heads, width]
  std::vector<float> query;
  std::vector<int32_t> sequence, spans;
};

size_t row_size(const Shape& shape) { return static_cast<size_t>(shape.heads) * shape.width; }

Problem random_problem(const Shape& shape, const std::vector<int>& lengths, bool bf16) {
  Problem problem;
  problem.shape = shape;
  for (const int length : lengths) {
    const size_t size = static_cast<size_t>(length) * shape.key_heads * shape.width;
    problem.keys.push_back(random_floats(size));
    problem.values.push_back(random_floats(size));
    if (!bf16) continue;
    for (float& value : problem.keys.back()) value = from_bf16(to_bf16(value));
    for (float& value : problem.values.back()) value = from_bf16(to_bf16(value));
  }
  return problem;
}

void add_row(Problem& problem, int sequence, int begin, int end) {
  problem.rows++;
  problem.sequence.push_back(sequence);
  problem.spans.insert(problem.spans.end(), {begin, end});
  const std::vector<float> query = random_floats(row_size(problem.shape), 2);
  problem.query.insert(problem.query.end(), query.begin(), query.end());
}

float scale_of(const Shape& shape) { return 1 / std::sqrt(static_cast<float>(shape.width)); }

std::vector<double> expected_output(const Problem& problem) {
  const Shape& shape = problem.shape;
  std::vector<double> output(problem.rows * row_size(shape));
  for (int row = 0; row < problem.rows; row++) {
    const int begin = problem.spans[2 * row], end = problem.spans[2 * row + 1];
    for (int head = 0; head < shape.heads && begin < end; head++) {
      const size_t start = row * row_size(shape) + static_cast<size_t>(head) * shape.width;
      const size_t key_head = head / (shape.heads / shape.key_heads);
      const auto place = [&](int position) { return (static_cast<size_t>(position) * shape.key_heads + key_head) * shape.width; };
      std::vector<double> weights;
      double largest = -INFINITY, total = 0;
      for (int position = begin; position < end; position++) {
        double score = 0;
        for (int i = 0; i < shape.width; i++) {
          score += static_cast<double>(problem.query[start + i]) * problem.keys[problem.sequence[row]][place(position) + i];
        }
        weights.push_back(score * scale_of(shape));
        largest = std::max(largest, weights.back());
      }
      for (double& weight : weights) total += weight = std::exp(weight - largest);
      for (int position = begin; position < end; position++) {
        for (int i = 0; i < shape.width; i++) {
          output[start + i] += weights[position - begin] / total * problem.values[problem.sequence[row]][place(position) + i];
        }
      }
    }
  }
  return output;
}

// Pages in random order; every slot that holds no key is NaN, which must not leak into any row.
struct Paged {
  std::vector<float> keys, values;
  std::vector<uint16_t> narrow_keys, narrow_values;
  std::vector<int32_t> page_spans, pages;
};

Paged paginate(const Problem& problem) {
  const Shape& shape = problem.shape;
  Paged paged;
  for (const std::vector<float>& keys : problem.keys) {
    const int length = static_cast<int>(keys.size() / (static_cast<size_t>(shape.key_heads) * shape.width));
    paged.page_spans.push_back(static_cast<int32_t>(paged.pages.size()));
    for (int i = 0; i < (length + kKeyTile - 1) / kKeyTile; i++) paged.pages.push_back(static_cast<int32_t>(paged.pages.size()));
    paged.page_spans.push_back(static_cast<int32_t>(paged.pages.size()));
  }
  std::shuffle(paged.pages.begin(), paged.pages.end(), generator);
  const size_t tile = static_cast<size_t>(kKeyTile) * shape.width;
  paged.keys.assign(paged.pages.size() * shape.key_heads * tile, NAN);
  paged.values = paged.keys;
  for (size_t sequence = 0; sequence < problem.keys.size(); sequence++) {
    const std::vector<float>& keys = problem.keys[sequence];
    for (size_t i = 0; i < keys.size(); i++) {
      const size_t component = i % shape.width, head = i / shape.width % shape.key_heads;
      const size_t position = i / shape.width / shape.key_heads, slot = position % kKeyTile;
      const size_t page = paged.pages[paged.page_spans[2 * sequence] + position / kKeyTile];
      const size_t start = (page * shape.key_heads + head) * tile;
      paged.keys[start + component * kKeyTile + slot] = keys[i];
      paged.values[start + slot * shape.width + component] = problem.values[sequence][i];
    }
  }
  for (const float value : paged.keys) paged.narrow_keys.push_back(to_bf16(value));
  for (const float value : paged.values) paged.narrow_values.push_back(to_bf16(value));
  return paged;
}

AttentionArgs arguments_of(const Problem& problem, int first, int rows, float* output) {
  AttentionArgs args = {};
  args.query = problem.query.data() + first * row_size(problem.shape);
  args.rows = rows;
  args.heads = problem.shape.heads;
  args.key_heads = problem.shape.key_heads;
  args.width = problem.shape.width;
  args.spans = problem.spans.data() + 2 * first;
  args.scale = scale_of(problem.shape);
  args.output = output;
  args.block_rows = kAttentionRows;
  return args;
}

AttentionArgs paged_arguments(const Problem& problem, Paged& paged, bool bf16, int first, int rows, float* output) {
  AttentionArgs args = arguments_of(problem, first, rows, output);
  args.paged = true;
  args.key_pages = {bf16 ? Storage::bf16 : Storage::f32, bf16 ? static_cast<void*>(paged.narrow_keys.data()) : paged.keys.data()};
  args.value_pages = {bf16 ? Storage::bf16 : Storage::f32, bf16 ? static_cast<void*>(paged.narrow_values.data()) : paged.values.data()};
  args.sequence = problem.sequence.data() + first;
  args.page_spans = paged.page_spans.data();
  args.pages = paged.pages.data();
  return args;
}

AttentionArgs packed_arguments(const Problem& problem, int first, int rows, float* output) {
  AttentionArgs args = arguments_of(problem, first, rows, output);
  args.keys = problem.keys[0].data();
  args.values = problem.values[0].data();
  return args;
}

using MakeArguments = std::function<AttentionArgs(int first, int rows, float* output)>;

// The rows together, in pieces, in blocks of any size and one by one.
std::vector<float> run_rows(const Kernels& kernels, const Problem& problem, const MakeArguments& make, const std::string& what) {
  const size_t size = row_size(problem.shape);
  std::vector<float> together;
  for (const int block_rows : {kAttentionRows, 5, most_block_rows(problem.shape.width)}) {
    const int items = (problem.rows + block_rows - 1) / block_rows * problem.shape.key_heads;
    const auto run = [&](float* output, int begin, int end) {
      AttentionArgs args = make(0, problem.rows, output);
      args.block_rows = block_rows;
      kernels.attention(args, begin, end);
    };
    const std::vector<float> result = run_in_pieces(problem.rows * size, items, run, what);
    if (!together.empty()) expect_same(result, together, what + " in blocks of " + std::to_string(block_rows));
    together = result;
  }
  std::vector<float> alone(together.size());
  for (int row = 0; row < problem.rows; row++) kernels.attention(make(row, 1, alone.data() + row * size), 0, problem.shape.key_heads);
  expect_same(together, alone, what + " row by row");
  expect_close(together, expected_output(problem), 1e-5, 4e-6, what);
  return together;
}

std::string name_of(const Kernels& kernels, const Shape& shape, const char* what) {
  return std::string(kernels.tier) + " attention " + what + " heads " + std::to_string(shape.heads) + "/" + std::to_string(shape.key_heads) +
         " width " + std::to_string(shape.width);
}

// Decoding and prefill of several sequences in one batch: causal spans, windows and an empty span.
void test_paged(const Kernels& kernels, const Shape& shape, bool bf16) {
  Problem problem = random_problem(shape, {100, 16, 1, 333}, bf16);
  for (int position = 50; position < 87; position++) add_row(problem, 0, 0, position + 1);
  add_row(problem, 3, 0, 333);
  add_row(problem, 2, 0, 1);
  add_row(problem, 1, 3, 3);
  for (int i = 0; i < 9; i++) add_row(problem, 3, 0, 320);
  for (int i = 0; i < 5; i++) add_row(problem, 1, i, 12 + i);
  for (int i = 0; i < 6; i++) {
    const int begin = random_int(0, 300);
    add_row(problem, 3, begin, random_int(begin, 333) + 1);
  }
  Paged paged = paginate(problem);
  run_rows(
      kernels, problem, [&](int first, int rows, float* output) { return paged_arguments(problem, paged, bf16, first, rows, output); },
      name_of(kernels, shape, bf16 ? "bf16 pages" : "f32 pages"));
}

// Segments as of images, windows, and rows without keys.
void test_packed(const Kernels& kernels, const Shape& shape) {
  Problem problem = random_problem(shape, {150}, false);
  for (int i = 0; i < 40; i++) add_row(problem, 0, 0, 37);
  for (int i = 0; i < 21; i++) add_row(problem, 0, 37, 150);
  for (int i = 0; i < 7; i++) add_row(problem, 0, 10 * i, 10 * i + i);
  for (int i = 0; i < 7; i++) add_row(problem, 0, 5, 90 + 9 * i);
  run_rows(kernels, problem, [&](int first, int rows, float* output) { return packed_arguments(problem, first, rows, output); },
           name_of(kernels, shape, "packed"));
}

// Spans that begin at 0 have the same tiles packed and paged.
void test_consistency(const Kernels& kernels, const Shape& shape) {
  Problem problem = random_problem(shape, {75}, true);
  for (int i = 0; i < 75; i++) add_row(problem, 0, 0, i + 1);
  Paged paged = paginate(problem);
  const auto run = [&](const char* what, const MakeArguments& make) { return run_rows(kernels, problem, make, name_of(kernels, shape, what)); };
  const auto packed = run("packed causal", [&](int first, int rows, float* output) { return packed_arguments(problem, first, rows, output); });
  for (const bool bf16 : {false, true}) {
    const auto pages =
        run("paged causal", [&](int first, int rows, float* output) { return paged_arguments(problem, paged, bf16, first, rows, output); });
    expect_same(packed, pages, name_of(kernels, shape, "packed and paged"));
  }
}

// Scores far apart: the running maximum moves by hundreds from tile to tile, down and up.
void test_extremes(const Kernels& kernels) {
  const Shape shape = {3, 1, 24};
  Problem problem = random_problem(shape, {200}, false);
  for (size_t i = 0; i < problem.keys[0].size(); i++) problem.keys[0][i] *= 30 * std::sin(static_cast<float>(i / shape.width));
  for (int i = 0; i < 20; i++) add_row(problem, 0, i, 200 - i);  // one block of rows
  Paged paged = paginate(problem);
  const auto make = [&](int first, int rows, float* output) { return paged_arguments(problem, paged, false, first, rows, output); };
  std::vector<float> output(problem.rows * row_size(shape));
  kernels.attention(make(0, problem.rows, output.data()), 0, shape.key_heads);
  expect_close(output, expected_output(problem), 2e-4, 0, name_of(kernels, shape, "extremes"));  // scores of 100 carry errors of 1e-5
}

void test_all(const Kernels& kernels) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 2, 8}, Shape{4, 1, 12}, Shape{14, 2, 64}, Shape{6, 2, 16}, Shape{3, 1, 20}, Shape{16, 1, 80},
                             Shape{20, 1, 33}, Shape{9, 1, 256}, Shape{140, 1, 4}}) {
    test_paged(kernels, shape, false);
    test_paged(kernels, shape, true);
    test_packed(kernels, shape);
    test_consistency(kernels, shape);
  }
  test_extremes(kernels);
}

}  // namespace

int main(int count, char** arguments) { return run(count, arguments, test_all); }
