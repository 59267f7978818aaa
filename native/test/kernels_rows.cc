// Embedding, gather, norms, rotary embedding and the elementwise kernels against their formulas in double.
#include <algorithm>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

std::string name_of(const Kernels& kernels, const char* what, int width) {
  return std::string(kernels.tier) + " " + what + " width " + std::to_string(width);
}

void test_embedding(const Kernels& kernels, int width) {
  const int vocabulary = 37, rows = 11;
  const std::vector<float> values = random_floats(static_cast<size_t>(vocabulary) * width), media = random_floats(static_cast<size_t>(3) * width);
  std::vector<char> panels(panel_bytes(Storage::f32, width) * panel_count(vocabulary));
  pack_panels(Storage::f32, values.data(), vocabulary, width, panels.data(), 0, panel_count(vocabulary));
  std::vector<int32_t> ids(rows), media_index(rows, -1);
  for (int32_t& id : ids) id = random_int(0, vocabulary);
  ids[0] = vocabulary - 1;
  media_index[2] = 0;
  media_index[7] = 2;
  for (const bool with_media : {false, true}) {
    const EmbeddingArgs args = {ids.data(), {Storage::f32, vocabulary, width, panels.data()}, with_media ? media.data() : nullptr,
                                with_media ? media_index.data() : nullptr, nullptr};
    const auto output = run_in_pieces(
        static_cast<size_t>(rows) * width, rows,
        [&](float* target, int begin, int end) {
          EmbeddingArgs copy = args;
          copy.output = target;
          kernels.embedding(copy, begin, end);
        },
        name_of(kernels, "embedding", width));
    std::vector<float> expected;
    for (int row = 0; row < rows; row++) {
      const bool medium = with_media && media_index[row] >= 0;
      const float* source = medium ? media.data() + static_cast<size_t>(media_index[row]) * width : values.data() + static_cast<size_t>(ids[row]) * width;
      expected.insert(expected.end(), source, source + width);
    }
    expect_same(output, expected, name_of(kernels, "embedding", width));
  }
}

void test_gather(const Kernels& kernels, int width) {
  const int n = 9, out = 10, taps = 3;
  const std::vector<float> source = random_floats(static_cast<size_t>(n) * width);
  std::vector<int32_t> indices(out * taps);
  for (int32_t& index : indices) index = random_int(-1, n);
  for (const bool mean : {false, true}) {
    const std::string what = name_of(kernels, mean ? "mean" : "concatenation", width);
    const size_t size = static_cast<size_t>(out) * width * (mean ? 1 : taps);
    const auto output = run_in_pieces(
        size, out,
        [&](float* target, int begin, int end) { kernels.gather({source.data(), width, indices.data(), taps, mean, target}, begin, end); }, what);
    std::vector<double> expected(size);
    for (int row = 0; row < out; row++) {
      for (int tap = 0; tap < taps; tap++) {
        const int index = indices[row * taps + tap];
        for (int i = 0; i < width; i++) {
          const double value = index < 0 ? 0 : source[static_cast<size_t>(index) * width + i];
          if (mean) {
            expected[static_cast<size_t>(row) * width + i] += value / taps;
          } else {
            expected[(static_cast<size_t>(row) * taps + tap) * width + i] = value;
          }
        }
      }
    }
    expect_close(output, expected, mean ? 3e-7 : 0, mean ? 3e-7 : 0, what);
  }
}

void test_norms(const Kernels& kernels, int width) {
  const int rows = 5;
  std::vector<float> input = random_floats(static_cast<size_t>(rows) * width);
  for (int i = 0; i < width; i++) input[i] = 100 + input[i];  // a mean far from zero
  const std::vector<float> weight = random_floats(width), bias = random_floats(width);
  for (const int kind : {0, 1, 2}) {  // rms norm, layer norm, layer norm without bias
    const std::string what = name_of(kernels, kind ? "layer norm" : "rms norm", width);
    const float epsilon = 1e-5f;
    const auto kernel = kind ? kernels.layer_norm : kernels.rms_norm;
    const float* shift = kind == 1 ? bias.data() : nullptr;
    const auto output = run_in_pieces(
        input.size(), rows,
        [&](float* target, int begin, int end) { kernel({input.data(), width, weight.data(), shift, epsilon, target}, begin, end); }, what);
    std::vector<double> expected(input.size());
    for (int row = 0; row < rows; row++) {
      const float* x = input.data() + static_cast<size_t>(row) * width;
      double mean = 0, square = 0;
      for (int i = 0; i < width && kind; i++) mean += x[i] / static_cast<double>(width);
      for (int i = 0; i < width; i++) square += (x[i] - mean) * (x[i] - mean) / width;
      for (int i = 0; i < width; i++) {
        const double normal = (x[i] - mean) / std::sqrt(square + epsilon) * weight[i];
        expected[static_cast<size_t>(row) * width + i] = shift ? normal + bias[i] : normal;
      }
    }
    expect_close(output, expected, 5e-7, 3e-7, what);
    std::vector<float> in_place = input;
    kernel({in_place.data(), width, weight.data(), shift, epsilon, in_place.data()}, 0, rows);
    expect_same(output, in_place, what + " in place");
  }
}

void test_rotary(const Kernels& kernels, int width, int count, bool sets) {
  const int rows = 7, heads = 3, position_axes = 3;
  const std::string what = name_of(kernels, "rotary", width) + " frequencies " + std::to_string(count);
  const std::vector<float> input = random_floats(static_cast<size_t>(rows) * heads * width);
  std::vector<float> frequencies(static_cast<size_t>(2) * count);
  for (size_t i = 0; i < frequencies.size(); i++) frequencies[i] = std::pow(10000.0f, -static_cast<float>(i % count) / count) * (i < static_cast<size_t>(count) ? 1 : 0.3f);
  std::vector<int32_t> positions(rows * position_axes), axes(count), set(rows);
  for (int32_t& position : positions) position = random_int(0, 40000);
  positions[0] = positions[1] = positions[2] = 1000003;
  positions[3] = positions[4] = positions[5] = 0;
  positions[6] = -5;
  for (int i = 0; i < count; i++) axes[i] = i % position_axes;
  for (int i = 0; i < rows; i++) set[i] = i % 2;
  const float scale = 1.25f;
  const auto arguments = [&](const float* from, float* to) {
    return RotaryArgs{from, heads, width, positions.data(), position_axes, frequencies.data(), count, sets ? set.data() : nullptr, axes.data(), scale, to};
  };
  const auto output = run_in_pieces(
      input.size(), rows, [&](float* target, int begin, int end) { kernels.rotary(arguments(input.data(), target), begin, end); }, what);
  std::vector<double> expected(input.begin(), input.end());
  for (int row = 0; row < rows; row++) {
    for (int i = 0; i < count; i++) {
      const float frequency = frequencies[(sets ? set[row] * count : 0) + i];
      const double angle = static_cast<float>(positions[row * position_axes + axes[i]]) * frequency;
      for (int head = 0; head < heads; head++) {
        const size_t low = (static_cast<size_t>(row) * heads + head) * width + i, high = low + count;
        expected[low] = scale * (input[low] * std::cos(angle) - input[high] * std::sin(angle));
        expected[high] = scale * (input[high] * std::cos(angle) + input[low] * std::sin(angle));
      }
    }
  }
  expect_close(output, expected, 1e-6, 1e-7, what);
  std::vector<float> in_place = input;
  kernels.rotary(arguments(in_place.data(), in_place.data()), 0, rows);
  expect_same(output, in_place, what + " in place");
}

double activation_of(Activation kind, double x) {
  switch (kind) {
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh: return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::quick_gelu: return x / (1 + std::exp(-1.702 * x));
  }
  return 0;
}

void test_activations(const Kernels& kernels) {
  std::vector<float> input;
  for (double x = -200; x < 200; x += 0.37) input.push_back(static_cast<float>(x));
  for (double x = -12; x < 12; x += 0.0037) input.push_back(static_cast<float>(x));
  for (const float x : {0.0f, -0.0f, 1e-30f, -1e-30f, 3e20f}) input.push_back(x);
  const int count = static_cast<int>(input.size());
  for (const Activation kind : {Activation::silu, Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu}) {
    const std::string what = name_of(kernels, "activation", static_cast<int>(kind));
    const auto output = run_in_pieces(
        input.size(), count, [&](float* target, int begin, int end) { kernels.activation(kind, input.data(), target, begin, end); }, what);
    // Relative to the value itself, far into the vanishing side, where the rounded argument of the exponential counts.
    std::vector<double> expected;
    for (const float x : input) expected.push_back(activation_of(kind, x));
    for (int i = 0; i < count; i++) {
      const double x = std::abs(static_cast<double>(input[i]));
      const double argument = kind == Activation::gelu ? 0 : kind == Activation::gelu_tanh ? 1.6 * (x + 0.044715 * x * x * x) : 1.702 * x;
      const double tolerance = (1e-6 + 2e-7 * std::min(argument, 100.0)) * std::abs(expected[i]) + 1e-36;
      if (!(std::abs(output[i] - expected[i]) <= tolerance)) {
        fail(what + " at " + std::to_string(input[i]) + ": " + std::to_string(output[i]));
        break;
      }
    }
  }
}

void test_pairs(const Kernels& kernels, int count) {
  const std::vector<float> left = random_floats(count, 3), right = random_floats(count);
  std::vector<double> sums, products, gated;
  for (int i = 0; i < count; i++) {
    sums.push_back(static_cast<double>(left[i]) + right[i]);
    products.push_back(static_cast<double>(left[i]) * right[i]);
    gated.push_back(activation_of(Activation::silu, left[i]) * right[i]);
  }
  const auto run = [&](auto kernel, const char* what, const std::vector<double>& expected, double tolerance) {
    const auto output = run_in_pieces(
        count, count, [&](float* target, int begin, int end) { kernel(left.data(), right.data(), target, begin, end); }, name_of(kernels, what, count));
    expect_close(output, expected, 0, tolerance, name_of(kernels, what, count));
    std::vector<float> in_place = left;
    kernel(in_place.data(), right.data(), in_place.data(), 0, count);
    expect_same(output, in_place, name_of(kernels, what, count) + " in place");
  };
  run(kernels.add, "add", sums, 6e-8);
  run(kernels.multiply, "multiply", products, 6e-8);
  run(kernels.swiglu, "swiglu", gated, 1e-6);
}

void test_exponentials(const Kernels& kernels) {
  for (const int count : {0, 1, 7, 511, 4096}) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double& value : values) value = -std::abs(random_floats(1, 30)[0]);
    if (count > 7) values[5] = -INFINITY;
    const double sum = kernels.sum_of_exponentials(values.data(), count), expected = generic_kernels().sum_of_exponentials(values.data(), count);
    if (memcmp(&sum, &expected, sizeof sum) != 0) fail(name_of(kernels, "sum of exponentials", count));
    long double exact = 0;
    for (const double value : values) exact += std::exp(static_cast<long double>(value));
    if (std::abs(sum - exact) > 1e-14L * exact) fail(name_of(kernels, "sum of exponentials, exactly,", count));
  }
}

void test_all(const Kernels& kernels) {
  for (const int width : {1, 5, 8, 13, 64, 203, 896}) {
    test_embedding(kernels, width);
    test_gather(kernels, width);
    test_norms(kernels, width);
    test_pairs(kernels, width);
  }
  for (const bool sets : {false, true}) {
    test_rotary(kernels, 64, 32, sets);
    test_rotary(kernels, 10, 5, sets);
    test_rotary(kernels, 80, 20, sets);
    test_rotary(kernels, 256, 128, sets);
    test_rotary(kernels, 7, 3, sets);
    test_rotary(kernels, 150, 70, sets);
  }
  test_activations(kernels);
  test_exponentials(kernels);
}

}  // namespace

int main(int count, char** arguments) { return run(count, arguments, test_all); }
