// Linear: the exact bits of the contract's order of summation, for every storage, number of rows and odd size.
#include <algorithm>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

struct Weight {
  std::vector<char> panels;
  std::vector<float> values;  // [out, in]
  Matrix matrix;
};

Weight random_weight(Storage storage, int out, int in) {
  Weight weight;
  const size_t size = static_cast<size_t>(out) * in;
  weight.values.resize(size);
  std::vector<char> stored(size * static_cast<size_t>(block_format(storage).stored_bytes));
  for (size_t i = 0; i < size; i++) {
    float value = random_float();
    uint16_t bits = to_bf16(value);
    if (storage == Storage::bf16) value = from_bf16(bits);
    if (storage == Storage::f16) {
      do bits = static_cast<uint16_t>(random_int(0, 65536));
      while ((bits >> 10 & 31) == 31 || (bits >> 10 & 31) > 17);  // finite and not huge; subnormals are among them
      value = from_f16(bits);
    }
    weight.values[i] = value;
    if (storage == Storage::f32) {
      memcpy(stored.data() + i * 4, &value, 4);
    } else {
      memcpy(stored.data() + i * 2, &bits, 2);
    }
  }
  weight.panels.resize(panel_bytes(storage, in) * panel_count(out));
  const int half = panel_count(out) / 2;  // in two ranges, as two threads would
  pack_panels(storage, stored.data(), out, in, weight.panels.data(), half, panel_count(out));
  pack_panels(storage, stored.data(), out, in, weight.panels.data(), 0, half);
  weight.matrix = {storage, out, in, weight.panels.data()};
  return weight;
}

float multiply_add(const Kernels& kernels, float left, float right, float addend) {
#ifndef FP_FAST_FMAF
  if (&kernels == &generic_kernels()) {
    volatile float product = left * right;  // rounded
    return product + addend;
  }
#endif
  (void)kernels;
  return std::fma(left, right, addend);
}

// One output in the order that kernels.h prescribes.
float output_of(const Kernels& kernels, const float* input, const float* weight, int in, const float* bias) {
  float total = 0;
  for (int first = 0; first < in; first += kLinearBlock) {
    float sum = 0;
    for (int k = first; k < std::min(first + kLinearBlock, in); k++) sum = multiply_add(kernels, input[k], weight[k], sum);
    total += sum;
  }
  return bias ? total + *bias : total;
}

void test_size(const Kernels& kernels, Storage storage, int rows, int in, int out, bool with_bias) {
  const std::string what = std::string(kernels.tier) + " linear storage " + std::to_string(static_cast<int>(storage)) + " rows " +
                           std::to_string(rows) + " in " + std::to_string(in) + " out " + std::to_string(out);
  const Weight weight = random_weight(storage, out, in);
  const std::vector<float> input = random_floats(static_cast<size_t>(rows) * in), bias = random_floats(out);
  const std::vector<float> output = run_in_pieces(
      static_cast<size_t>(rows) * out, panel_count(out),
      [&](float* target, int begin, int end) {
        kernels.linear({input.data(), rows, weight.matrix, with_bias ? bias.data() : nullptr, target}, begin, end);
      },
      what);
  std::vector<float> expected(output.size());
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < out; column++) {
      const float* values = weight.values.data() + static_cast<size_t>(column) * in;
      expected[static_cast<size_t>(row) * out + column] =
          output_of(kernels, input.data() + static_cast<size_t>(row) * in, values, in, with_bias ? &bias[column] : nullptr);
    }
  }
  expect_same(output, expected, what);

  std::vector<float> unpacked(in);
  const int row = random_int(0, out);
  unpack_row(weight.matrix, row, unpacked.data());
  expect_same(unpacked, {weight.values.begin() + static_cast<ptrdiff_t>(row) * in, weight.values.begin() + static_cast<ptrdiff_t>(row + 1) * in},
              what + " unpacked");
}

// Rows must not be written past the end of the output, nor a column past the end of a row.
void test_bounds(const Kernels& kernels) {
  for (int rows : {1, 5, 9}) {
    const Weight weight = random_weight(Storage::bf16, 19, 33);
    const std::vector<float> input = random_floats(static_cast<size_t>(rows) * 33);
    std::vector<float> output(static_cast<size_t>(rows) * 19 + 16, 7);
    kernels.linear({input.data(), rows, weight.matrix, nullptr, output.data()}, 0, 2);
    for (int i = 0; i < 16; i++) {
      if (output[static_cast<size_t>(rows) * 19 + i] != 7) fail("linear wrote past its output");
    }
  }
}

void test_all(const Kernels& kernels) {
  for (const Storage storage : {Storage::f32, Storage::bf16, Storage::f16}) {
    for (int rows = 1; rows <= 13; rows++) {
      for (const int in : {1, 7, 255, 256, 257, 531}) test_size(kernels, storage, rows, in, rows % 2 ? 83 : 35, in % 2 == 0);
    }
    for (const int out : {1, 8, 15, 16, 17, 300}) test_size(kernels, storage, 7, 70, out, true);
    for (const int rows : {31, 95, 96, 97, 200}) test_size(kernels, storage, rows, 300, 53, true);
  }
  test_bounds(kernels);
}

}  // namespace

int main(int count, char** arguments) { return run(count, arguments, test_all); }
