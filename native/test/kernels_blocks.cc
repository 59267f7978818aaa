// Linear over quantised blocks: packing against the definition of every format, with inputs in f32 and as integers,
// whose outputs do not depend on how rows are batched, to the bit.
#include <algorithm>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

constexpr Storage kStorages[] = {Storage::q4_0, Storage::q4_1, Storage::q5_0, Storage::q5_1, Storage::q8_0, Storage::iq4_nl,
                                 Storage::mxfp4, Storage::q2_k, Storage::q3_k, Storage::q4_k, Storage::q5_k, Storage::q6_k, Storage::q4_z};

float half_at(const uint8_t* bytes) { return from_f16(static_cast<uint16_t>(bytes[0] | bytes[1] << 8)); }

// Value i of a block, by the definition of its format.
float value_of(Storage storage, const uint8_t* b, int i) {
  const int nibble_at = storage == Storage::mxfp4 ? 1 : storage == Storage::q4_1 || storage == Storage::q4_z ? 4 : storage == Storage::q5_0 ? 6 : storage == Storage::q5_1 ? 8 : 2;
  const int nibble = i < 16 ? b[nibble_at + i] & 15 : b[nibble_at + i % 16] >> 4;
  const auto bit = [&](int at) { return b[at + i / 8] >> i % 8 & 1; };
  const int sub = i / 32, n = i / 128, j = i % 128 / 32, l = i % 32, h = i % 32 / 16, s = i / 16;
  switch (storage) {
    case Storage::q4_0: return half_at(b) * (nibble - 8);
    case Storage::q4_1: return half_at(b) * nibble + half_at(b + 2);
    case Storage::q4_z: return half_at(b) * nibble - half_at(b) * half_at(b + 2);
    case Storage::q5_0: return half_at(b) * ((nibble | bit(2) << 4) - 16);
    case Storage::q5_1: return half_at(b) * (nibble | bit(4) << 4) + half_at(b + 2);
    case Storage::q8_0: return half_at(b) * static_cast<int8_t>(b[2 + i]);
    case Storage::iq4_nl: {
      const int table[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
      return half_at(b) * table[nibble];
    }
    case Storage::mxfp4: {
      const int table[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
      return std::ldexp(static_cast<float>(table[nibble]), b[0] - 128);
    }
    case Storage::q4_k:
    case Storage::q5_k: {
      const uint8_t* scales = b + 4;
      const int scale = sub < 4 ? scales[sub] & 63 : (scales[sub + 4] & 15) | (scales[sub - 4] >> 6) << 4;
      const int min = sub < 4 ? scales[sub + 4] & 63 : (scales[sub + 4] >> 4) | (scales[sub] >> 6) << 4;
      const uint8_t code = b[(storage == Storage::q4_k ? 16 : 48) + 32 * (sub / 2) + l];
      int q = sub % 2 ? code >> 4 : code & 15;
      if (storage == Storage::q5_k) q += (b[16 + l] >> sub & 1) * 16;
      return half_at(b) * scale * q - half_at(b + 2) * min;
    }
    case Storage::q6_k: {
      const uint8_t low = b[64 * n + 32 * (j % 2) + l];
      const int q = ((j < 2 ? low & 15 : low >> 4) | (b[128 + 32 * n + l] >> 2 * j & 3) << 4) - 32;
      return half_at(b + 208) * static_cast<int8_t>(b[192 + s]) * q;
    }
    case Storage::q3_k: {
      const uint8_t* scales = b + 96;
      const int low = s < 8 ? scales[s] & 15 : scales[s - 8] >> 4;
      const int scale = (low | (scales[8 + s % 4] >> 2 * (s / 4) & 3) << 4) - 32;
      const int q = (b[32 + 32 * n + l] >> 2 * j & 3) - (b[l] >> (4 * n + j) & 1 ? 0 : 4);
      return half_at(b + 108) * scale * q;
    }
    default: {
      const int at = 8 * n + 2 * j + h;
      return half_at(b + 80) * (b[at] & 15) * (b[16 + 32 * n + l] >> 2 * j & 3) - half_at(b + 82) * (b[at] >> 4);
    }
  }
}

// Where the f16 numbers of a block are: random bits would be infinities and NaN.
std::vector<int> halves_of(Storage storage) {
  switch (storage) {
    case Storage::q4_1:
    case Storage::q4_z:
    case Storage::q5_1:
    case Storage::q4_k:
    case Storage::q5_k: return {0, 2};
    case Storage::q2_k: return {80, 82};
    case Storage::q3_k: return {108};
    case Storage::q6_k: return {208};
    case Storage::mxfp4: return {};
    default: return {0};
  }
}

struct Weight {
  std::vector<char> panels;
  std::vector<float> values;  // [out, in]
  Matrix matrix;
};

Weight random_weight(Storage storage, int out, int in) {
  const BlockFormat format = block_format(storage);
  std::vector<uint8_t> stored(static_cast<size_t>(out) * row_bytes(storage, in));
  for (uint8_t& byte : stored) byte = static_cast<uint8_t>(random_int(0, 256));
  for (size_t at = 0; at < stored.size(); at += format.stored_bytes) {
    for (const int half : halves_of(storage)) stored[at + half + 1] = static_cast<uint8_t>((stored[at + half + 1] & 0x83) | 0x20 | random_int(0, 4) << 2);
    if (storage == Storage::mxfp4) stored[at] = static_cast<uint8_t>(random_int(120, 130));
  }
  Weight weight;
  for (size_t at = 0; at < stored.size(); at += format.stored_bytes) {
    for (int i = 0; i < format.stored_values; i++) weight.values.push_back(value_of(storage, stored.data() + at, i));
  }
  weight.panels.resize(panel_bytes(storage, in) * panel_count(out));
  pack_panels(storage, stored.data(), out, in, weight.panels.data(), 0, panel_count(out));
  weight.matrix = {storage, out, in, weight.panels.data()};
  return weight;
}

std::vector<InputBlock> quantised(const Kernels& kernels, const std::vector<float>& input, int rows, int in) {
  std::vector<InputBlock> blocks(static_cast<size_t>((in + kLinearBlock - 1) / kLinearBlock) * rows);
  kernels.quantise({input.data(), rows, in, blocks.data()}, 0, rows);
  return blocks;
}

void test_size(const Kernels& kernels, Storage storage, int rows, int in, int out, bool with_bias) {
  const std::string what = std::string(kernels.tier) + " blocks of storage " + std::to_string(static_cast<int>(storage)) + " rows " +
                           std::to_string(rows) + " in " + std::to_string(in) + " out " + std::to_string(out);
  const Weight weight = random_weight(storage, out, in);
  std::vector<float> unpacked(static_cast<size_t>(out) * in);
  for (int row = 0; row < out; row++) unpack_row(weight.matrix, row, unpacked.data() + static_cast<ptrdiff_t>(row) * in);
  expect_same(unpacked, weight.values, what + " unpacked");

  const std::vector<float> input = random_floats(static_cast<size_t>(rows) * in), bias = random_floats(out);
  const std::vector<InputBlock> blocks = quantised(kernels, input, rows, in);
  const auto run = [&](bool integers, int first, int count, float* target, int begin, int end) {
    const QuantisedInput codes = {integers ? blocks.data() + first : nullptr, rows};
    kernels.linear({input.data() + static_cast<ptrdiff_t>(first) * in, count, weight.matrix, with_bias ? bias.data() : nullptr, target, codes}, begin, end);
  };
  for (const bool integers : {false, true}) {
    const std::vector<float> output = run_in_pieces(static_cast<size_t>(rows) * out, panel_count(out),
                                                    [&](float* target, int begin, int end) { run(integers, 0, rows, target, begin, end); }, what);
    std::vector<float> alone(output.size());
    for (int row = 0; row < rows; row++) run(integers, row, 1, alone.data() + static_cast<ptrdiff_t>(row) * out, 0, panel_count(out));
    expect_same(output, alone, what + (integers ? " int8" : " f32") + " alone");
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < out; column++) {
        double expected = with_bias ? bias[column] : 0, size = 1e-3;
        for (int k = 0; k < in; k++) {
          const InputBlock& block = blocks[static_cast<size_t>(k / kLinearBlock) * rows + row];
          const double factor = integers ? block.codes[k % kLinearBlock] * static_cast<double>(block.scales[k % kLinearBlock / kGroup]) : input[static_cast<size_t>(row) * in + k];
          const double term = factor * weight.values[static_cast<size_t>(column) * in + k];
          expected += term;
          size += std::abs(term) + std::abs(factor) * 4 * std::abs(weight.values[static_cast<size_t>(column) * in + k / kGroup * kGroup]);
        }
        const double error = std::abs(output[static_cast<size_t>(row) * out + column] - expected);
        if (!(error <= 4e-6 * size)) fail(what + (integers ? " int8" : " f32") + " is off by " + std::to_string(error / size));
      }
    }
  }
}

// Codes are the nearest, sums are theirs, and what is not finite is not hidden.
void test_quantise(const Kernels& kernels) {
  constexpr int in = 288;
  std::vector<float> input = random_floats(3 * in, 5);
  std::fill_n(input.begin(), 32, 0.0f);
  input[40] = NAN;
  input[80] = -INFINITY;
  const std::vector<InputBlock> blocks = quantised(kernels, input, 3, in), generic = quantised(generic_kernels(), input, 3, in);
  if (memcmp(blocks.data(), generic.data(), blocks.size() * sizeof(InputBlock)) != 0) fail("tiers quantise differently");
  if (!std::isnan(blocks[0].scales[1]) || std::isfinite(blocks[0].scales[2]) || blocks[0].scales[0] != 0) fail("scales of strange groups");
  for (int k = 96; k < 3 * in; k++) {
    const InputBlock& block = blocks[static_cast<size_t>(k % in / kLinearBlock) * 3 + k / in];
    const int at = k % in % kLinearBlock;
    if (std::abs(block.codes[at] * block.scales[at / kGroup] - input[k]) > block.scales[at / kGroup] * 0.5001f) fail("a code is not the nearest");
  }
}

void test_all(const Kernels& kernels) {
  test_quantise(kernels);
  for (const Storage storage : kStorages) {
    const int step = block_format(storage).stored_values;
    for (const int rows : {1, 2, 3, 4, 5, 9, 17, 22}) test_size(kernels, storage, rows, step * (rows % 3 + 1), rows % 2 ? 35 : 16, rows % 2 == 0);
    test_size(kernels, storage, 99, step == 32 ? 544 : 512, 19, true);
  }
}

}  // namespace

int main(int count, char** arguments) { return run(count, arguments, test_all); }
