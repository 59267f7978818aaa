// The table of kernels of one instruction tier. Kernels know neither Node nor programs: plain pointers and sizes.
//
// Every kernel works on a range of items [begin, end) so that the thread pool may divide the items as it likes.
// No result depends on that division, nor on the other rows of a batch: each output element is computed by one
// call, with its reduction in an order fixed by the tier alone:
//   * linear: along the input width in blocks of kLinearBlock, fused multiply-adds in sequence inside a block (from
//     zero; the generic tier rounds the products on targets without FMA), block sums added in sequence, the bias last;
//     with quantised inputs, a block is summed 32 inputs at a time: integer dot products are exact, and enter the sum
//     by one fused multiply-add with the scales of weights and inputs, then one with what the weights subtract;
//   * attention: keys in tiles of kKeyTile, or of as many such as the tier takes for the width of a head, anchored at
//     position 0 of the sequence (paged) or at the begin of the row's span (packed), online softmax from tile to tile;
//   * norms: sums in double in fixed lanes over the last axis.
// Indices, spans and sizes are valid: whoever calls has checked them. A kernel takes up to 256 KiB of stack.
// Outputs may be the same memory as an input of the same shape for the elementwise kernels, the norms and rotary.
#pragma once
#include <cstddef>
#include <cstdint>

namespace polywen {

enum class Storage : uint8_t { f32, bf16, f16, q4_0, q4_1, q5_0, q5_1, q8_0, iq4_nl, mxfp4, q2_k, q3_k, q4_k, q5_k, q6_k, q4_z };

constexpr int kPanelRows = 16;     // output rows of a weight panel; keys of a page
constexpr int kLinearBlock = 256;  // input values whose products are summed before they join the total
constexpr int kBlockRows = 48;     // rows of a linear operation whose block of inputs is laid out at a time: 48 KiB, 18 KiB quantised
constexpr int kBlockPanels = 32;   // panels that use it before the next block of inputs takes its place
constexpr int kKeyTile = 16;       // keys of the smallest softmax tile: one page

constexpr int kGroup = 32;                          // inputs that share a scale
constexpr int kBlockGroups = kLinearBlock / kGroup;

// A block of quantised inputs of one row: input k is about codes[k] * scales[k / 32].
struct alignas(32) InputBlock {
  int8_t codes[kLinearBlock];
  float scales[kBlockGroups];
  float products[kBlockGroups];         // of a group: scale times the sum of its codes
  int32_t sums[kBlockGroups];           // of the codes of a group
  int16_t half_sums[2 * kBlockGroups];  // of the codes of half a group
};

// Quantised rows, block by block: block b of row r is blocks[b * stride + r]. What lies past the width is zero.
struct QuantisedInput {
  const InputBlock* blocks;
  int stride;
};

// A weight matrix [out, in] in panels of 16 output rows, the last one padded with zeros. A panel holds for each
// input k its 16 values: f32 and f16 in row order; bf16 interleaved (row j at 2j, row j + 8 at 2j + 1) so that a
// 32-bit shift and a mask turn one load into two registers of f32 without a shuffle. Quantised blocks: block_format.h.
struct Matrix {
  Storage storage;
  int out;
  int in;
  const void* panels;
};

struct LinearArgs {
  const float* input;  // [rows, in]; not read where `quantised` is there
  int rows;
  Matrix weight;
  const float* bias;   // [out] or null
  float* output;       // [rows, out]
  QuantisedInput quantised = {nullptr, 0};  // for weights of quantised blocks, or null: the weights become f32
};

struct QuantiseArgs {
  const float* input;  // [rows, width]
  int rows, width;
  InputBlock* blocks;
};

struct EmbeddingArgs {
  const int32_t* ids;
  Matrix table;
  const float* media;          // [slots, width] or null
  const int32_t* media_index;  // [rows] or null
  float* output;
};

struct GatherArgs {
  const float* source;
  int width;
  const int32_t* indices;  // [out, taps]
  int taps;
  bool mean;
  float* output;
};

struct NormArgs {
  const float* input;  // [rows, width]
  int width;
  const float* weight;
  const float* bias;   // layer norm only, or null
  float epsilon;
  float* output;
};

struct RotaryArgs {
  const float* input;  // [rows, heads, width]
  int heads, width;
  const int32_t* positions;  // [rows, position_axes]
  int position_axes;
  const float* frequencies;  // [count] or [sets, count]
  int count;
  const int32_t* set;        // [rows] or null
  const int32_t* axes;       // [count]
  float scale;
  float* output;
};

struct PagedStore {   // a resource [slots, heads, width]
  Storage storage;    // f32 or bf16
  void* data;         // keys: [page][head][width][16]; values: [page][head][16][width]
};

struct AttentionArgs {
  const float* query;  // [rows, heads, width]
  int rows, heads, key_heads, width;
  const int32_t* spans;  // [rows, 2]
  float scale;
  float* output;         // [rows, heads, width]
  int block_rows;        // query rows of an item, which pass over the keys together: at most most_block_rows(width)
  // packed: keys and values [n, key_heads, width]
  const float* keys;
  const float* values;
  // paged
  bool paged;
  PagedStore key_pages;
  PagedStore value_pages;
  const int32_t* sequence;
  const int32_t* page_spans;
  const int32_t* pages;
};

enum class Activation : uint8_t { silu, gelu, gelu_tanh, quick_gelu };

// Runs rounds of bare arithmetic and returns how many operations they were, a multiplication and an addition being two.
using PeakLoop = int64_t (*)(int64_t rounds);

// Tiers: generic/ is portable C++, avx2/ is for registers of eight lanes. wide/ holds kernels for vectors of sixteen lanes,
// one for each row of a panel, in terms of a few functions that a tier defines in its simd.h: avx512/
// in one register, neon/ in four.
struct Kernels {
  const char* tier;
  // Items: panels of the weight, for all rows of the input.
  void (*linear)(const LinearArgs&, int begin, int end);
  // Items: rows.
  void (*quantise)(const QuantiseArgs&, int begin, int end);
  void (*embedding)(const EmbeddingArgs&, int begin, int end);
  void (*gather)(const GatherArgs&, int begin, int end);
  void (*rms_norm)(const NormArgs&, int begin, int end);
  void (*layer_norm)(const NormArgs&, int begin, int end);
  void (*rotary)(const RotaryArgs&, int begin, int end);
  // Items: elements.
  void (*activation)(Activation, const float* input, float* output, int64_t begin, int64_t end);
  void (*add)(const float* left, const float* right, float* output, int64_t begin, int64_t end);
  void (*multiply)(const float* left, const float* right, float* output, int64_t begin, int64_t end);
  void (*swiglu)(const float* gate, const float* up, float* output, int64_t begin, int64_t end);
  // Items: blocks of query rows times key heads (block * key_heads + key_head).
  void (*attention)(const AttentionArgs&, int begin, int end);
  // The sum of the exponentials of values that are not positive. The same bits on every tier.
  double (*sum_of_exponentials)(const double* values, int64_t count);
  // The fastest that the instructions of this tier can be, for comparison. Null where nobody asks.
  PeakLoop peak_int8 = nullptr;
  PeakLoop peak_float = nullptr;
};

constexpr int kAttentionRows = 32;  // the usual rows of a block
constexpr int kMaxHeadWidth = 256;  // widest head that attention takes

// Query rows of width `width` whose components have room in a pass over the keys.
constexpr int most_block_rows(int width) { return width <= kMaxHeadWidth / 4 ? 240 : width <= kMaxHeadWidth / 2 ? 120 : 60; }

const Kernels& generic_kernels();
const Kernels* avx2_kernels();  // null where the compiler has no such tier, likewise below
const Kernels* avx512_kernels();
const Kernels* neon_kernels();

}  // namespace polywen
