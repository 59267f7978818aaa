#include <algorithm>
#include <cmath>

#include "kernels.h"
#include "numbers.h"

namespace polywen::generic {
namespace {

float read(const PagedStore& store, size_t index) {
  if (store.storage == Storage::f32) return static_cast<const float*>(store.data)[index];
  return float_of_bf16(static_cast<const uint16_t*>(store.data)[index]);
}

// Keys [begin, end) of one tile of one key head, as f32: keys [width][16], values [16][width].
struct Tile {
  float keys[kMaxHeadWidth * kKeyTile];
  float values[kKeyTile * kMaxHeadWidth];
};

void load_packed(const AttentionArgs& args, int key_head, int first, int count, Tile& tile) {
  for (int key = 0; key < count; key++) {
    const size_t start = (static_cast<size_t>(first + key) * args.key_heads + key_head) * args.width;
    for (int i = 0; i < args.width; i++) {
      tile.keys[i * kKeyTile + key] = args.keys[start + i];
      tile.values[key * args.width + i] = args.values[start + i];
    }
  }
}

void load_page(const AttentionArgs& args, int key_head, int page, Tile& tile) {
  const size_t size = static_cast<size_t>(args.width) * kKeyTile;
  const size_t start = (static_cast<size_t>(page) * args.key_heads + key_head) * size;
  for (size_t i = 0; i < size; i++) {
    tile.keys[i] = read(args.key_pages, start + i);
    tile.values[i] = read(args.value_pages, start + i);
  }
}

// Softmax over the tiles seen so far: largest score, sum of exponentials, and (in the output) the weighted values.
struct Running {
  float maximum = -INFINITY;
  float sum = 0;
};

// Adds keys [begin, end) of a tile to the running softmax of one query.
void attend(const AttentionArgs& args, const Tile& tile, int begin, int end, const float* query, Running& running, float* output) {
  float scores[kKeyTile] = {};
  for (int i = 0; i < args.width; i++) {
    for (int key = 0; key < kKeyTile; key++) scores[key] = multiply_add(query[i], tile.keys[i * kKeyTile + key], scores[key]);
  }
  float maximum = running.maximum;
  for (int key = begin; key < end; key++) maximum = std::max(maximum, scores[key] *= args.scale);
  const float correction = std::exp(running.maximum - maximum);
  running.maximum = maximum;
  running.sum *= correction;
  for (int i = 0; i < args.width; i++) output[i] *= correction;
  for (int key = begin; key < end; key++) {
    const float weight = std::exp(scores[key] - maximum);
    running.sum += weight;
    const float* values = tile.values + key * args.width;
    for (int i = 0; i < args.width; i++) output[i] = multiply_add(weight, values[i], output[i]);
  }
}

constexpr int kHeads = 16;  // query heads that share a loaded tile

// Query heads [head, head + heads) of one row, all of which read `key_head`.
void attend_row(const AttentionArgs& args, int row, int key_head, int head, int heads, Tile& tile) {
  const size_t start = (static_cast<size_t>(row) * args.heads + head) * args.width;
  const int begin = args.spans[2 * row], end = args.spans[2 * row + 1];
  float* output = args.output + start;
  std::fill_n(output, static_cast<size_t>(heads) * args.width, 0.0f);
  if (begin >= end) return;

  Running running[kHeads];
  const int anchor = args.paged ? begin / kKeyTile * kKeyTile : begin;
  for (int first = anchor; first < end; first += kKeyTile) {
    const int tile_begin = std::max(begin - first, 0), tile_end = std::min(end - first, kKeyTile);
    if (args.paged) {
      load_page(args, key_head, args.pages[args.page_spans[2 * args.sequence[row]] + first / kKeyTile], tile);
    } else {
      load_packed(args, key_head, first, tile_end, tile);
    }
    for (int i = 0; i < heads; i++) {
      const size_t offset = static_cast<size_t>(i) * args.width;
      attend(args, tile, tile_begin, tile_end, args.query + start + offset, running[i], output + offset);
    }
  }
  for (int i = 0; i < heads; i++) {
    for (int j = 0; j < args.width; j++) output[static_cast<size_t>(i) * args.width + j] /= running[i].sum;
  }
}

}  // namespace

void attention(const AttentionArgs& args, int begin, int end) {
  Tile tile = {};
  for (int item = begin; item < end; item++) {
    const int first = item / args.key_heads * args.block_rows;
    const int last = std::min(first + args.block_rows, args.rows);
    const int key_head = item % args.key_heads, group = args.heads / args.key_heads;
    for (int row = first; row < last; row++) {
      for (int head = 0; head < group; head += kHeads) {
        attend_row(args, row, key_head, key_head * group + head, std::min(kHeads, group - head), tile);
      }
    }
  }
}

}  // namespace polywen::generic
