// Queries against tiles of sixteen keys and values, with a softmax that goes from tile to tile.
#pragma once
#include "simd.h"

namespace polywen {
namespace {

// A query is one head of one row. The queries of neighbouring rows and of the heads that share a key head meet each
// tile of keys together; what one of them computes does not depend on the others.
constexpr int kQueries = 128;
constexpr int kTileQueries = 6;         // queries of one register tile
constexpr int kColumns = 2 * kLanes;    // of outputs that a register tile holds
constexpr int kCapacity = 64 * 256;     // components of all queries of a pass

// Everything that tiles meet again and again lies side by side here: in the tensors, heads are a power of two apart more
// often than not, and would push each other out of the cache.
struct Pass {
  int count;
  int width;
  int stride;  // of vectors, outputs and values: the width in whole register tiles
  float scale;
  int lines[kMaxHeadWidth];  // offsets in bytes of the cache lines of a tile in memory, to fetch one with each component
  int begins[kQueries];  // spans
  int ends[kQueries];
  float maximum[kQueries];                 // largest score so far
  alignas(32) float correction[kQueries];  // of sums and outputs when the maximum grows
  __m256 sums[kQueries];                   // of weights, by lanes
  alignas(32) float scores[kQueries][kKeyTile];  // of the tile, later its weights
  alignas(32) float keys[kMaxHeadWidth * kKeyTile];
  alignas(32) float values[kKeyTile * kMaxHeadWidth];
  alignas(32) float vectors[kCapacity];
  alignas(32) float outputs[kCapacity];  // weighted values, not yet divided by the sum of weights
};

// Sixteen keys [width][16] and their values [16][stride of the pass]; `storage` is that of both.
struct Tile {
  Storage storage;
  const void* keys;
  const void* values;
  const char* next_keys;  // where those of the next tile begin, which is fetched meanwhile
  const char* next_values;
};

template <Storage storage>
inline __m256 load(const void* source, ptrdiff_t index) {
  if constexpr (storage == Storage::f32) return _mm256_loadu_ps(static_cast<const float*>(source) + index);
  return load_bf16(static_cast<const uint16_t*>(source) + index);
}

// ---- Scores ----

template <Storage storage, int Queries>
void score_queries(Pass& pass, const Tile& tile, int first) {
  const float* vectors[Queries];
  __m256 sums[Queries][2];
  UNROLL
  for (int q = 0; q < Queries; q++) {
    vectors[q] = pass.vectors + (first + q) * pass.stride;
    sums[q][0] = sums[q][1] = _mm256_setzero_ps();
  }
  for (ptrdiff_t i = 0; i < pass.width; i++) {
    _mm_prefetch(tile.next_keys + pass.lines[i], _MM_HINT_T0);
    const __m256 low = load<storage>(tile.keys, i * kKeyTile);
    const __m256 high = load<storage>(tile.keys, i * kKeyTile + kLanes);
    UNROLL
    for (int q = 0; q < Queries; q++) {
      const __m256 factor = _mm256_broadcast_ss(vectors[q] + i);
      sums[q][0] = _mm256_fmadd_ps(factor, low, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(factor, high, sums[q][1]);
    }
  }
  UNROLL
  for (int q = 0; q < Queries; q++) {
    _mm256_store_ps(pass.scores[first + q], sums[q][0]);
    _mm256_store_ps(pass.scores[first + q] + kLanes, sums[q][1]);
  }
}

// ---- Weights ----

// Turns the scores of queries [first, last) for keys [begin, end) of the tile into weights.
void weigh(Pass& pass, int first, int last, int begin, int end) {
  const __m256 scale = _mm256_set1_ps(pass.scale), none = _mm256_set1_ps(-__builtin_inff());
  const __m256 low_mask = _mm256_castsi256_ps(_mm256_andnot_si256(first_lanes(begin), first_lanes(end)));
  const __m256 high_mask = _mm256_castsi256_ps(_mm256_andnot_si256(first_lanes(begin - kLanes), first_lanes(end - kLanes)));
  for (int q = first; q < last; q++) {
    float* scores = pass.scores[q];
    const __m256 low = _mm256_blendv_ps(none, _mm256_mul_ps(_mm256_load_ps(scores), scale), low_mask);
    const __m256 high = _mm256_blendv_ps(none, _mm256_mul_ps(_mm256_load_ps(scores + kLanes), scale), high_mask);
    _mm256_store_ps(scores, low);
    _mm256_store_ps(scores + kLanes, high);
    const float before = pass.maximum[q], now = largest_lane(_mm256_max_ps(low, high));
    pass.maximum[q] = now > before ? now : before;
    pass.correction[q] = before - pass.maximum[q];
  }
  // Whole registers: the corrections around those of [first, last) are not in use.
  for (int q = first / kLanes * kLanes; q < last; q += kLanes) {
    _mm256_store_ps(pass.correction + q, exponential(_mm256_load_ps(pass.correction + q)));
  }
  for (int q = first; q < last; q++) {
    float* scores = pass.scores[q];
    const __m256 maximum = _mm256_set1_ps(pass.maximum[q]);
    const __m256 low = exponential(_mm256_sub_ps(_mm256_load_ps(scores), maximum));
    const __m256 high = exponential(_mm256_sub_ps(_mm256_load_ps(scores + kLanes), maximum));
    _mm256_store_ps(scores, low);
    _mm256_store_ps(scores + kLanes, high);
    pass.sums[q] = _mm256_fmadd_ps(pass.sums[q], _mm256_broadcast_ss(pass.correction + q), _mm256_add_ps(low, high));
  }
}

// ---- Values ----

// The sum over a tile begins at zero: each of its terms would otherwise be rounded at the size of the sum over all keys before it.
template <Storage storage, int Queries>
void add_values(Pass& pass, const Tile& tile, int first, int begin, int end) {
  const float* weights = pass.scores[first];
  for (ptrdiff_t column = 0; column < pass.stride; column += kColumns) {
    float* output = pass.outputs + first * pass.stride + column;
    __m256 sums[Queries][2];
    UNROLL
    for (int q = 0; q < Queries; q++) sums[q][0] = sums[q][1] = _mm256_setzero_ps();
    for (ptrdiff_t key = begin; key < end; key++) {
      _mm_prefetch(tile.next_values + pass.lines[column + key], _MM_HINT_T0);
      const __m256 low = load<storage>(tile.values, key * pass.stride + column);
      const __m256 high = load<storage>(tile.values, key * pass.stride + column + kLanes);
      UNROLL
      for (int q = 0; q < Queries; q++) {
        const __m256 factor = _mm256_broadcast_ss(weights + q * kKeyTile + key);
        sums[q][0] = _mm256_fmadd_ps(factor, low, sums[q][0]);
        sums[q][1] = _mm256_fmadd_ps(factor, high, sums[q][1]);
      }
    }
    UNROLL
    for (int q = 0; q < Queries; q++) {
      const __m256 correction = _mm256_broadcast_ss(pass.correction + first + q);
      float* low = output + q * pass.stride;
      _mm256_store_ps(low, _mm256_fmadd_ps(_mm256_load_ps(low), correction, sums[q][0]));
      _mm256_store_ps(low + kLanes, _mm256_fmadd_ps(_mm256_load_ps(low + kLanes), correction, sums[q][1]));
    }
  }
}

// ---- Tiles ----

template <Storage storage, int Queries>
void score_or_add(Pass& pass, const Tile& tile, int first, int begin, int end, bool scoring) {
  if (scoring) {
    score_queries<storage, Queries>(pass, tile, first);
  } else {
    add_values<storage, Queries>(pass, tile, first, begin, end);
  }
}

// Queries [first, last) in register tiles of nearly equal height.
template <Storage storage>
void for_queries(Pass& pass, const Tile& tile, int first, int last, int begin, int end, bool scoring) {
  const int count = last - first, tiles = (count + kTileQueries - 1) / kTileQueries;
  for (int i = 0; i < tiles; i++) {
    const int top = first + count * i / tiles;
    switch (first + count * (i + 1) / tiles - top) {
      case 1: score_or_add<storage, 1>(pass, tile, top, begin, end, scoring); break;
      case 2: score_or_add<storage, 2>(pass, tile, top, begin, end, scoring); break;
      case 3: score_or_add<storage, 3>(pass, tile, top, begin, end, scoring); break;
      case 4: score_or_add<storage, 4>(pass, tile, top, begin, end, scoring); break;
      case 5: score_or_add<storage, 5>(pass, tile, top, begin, end, scoring); break;
      case 6: score_or_add<storage, 6>(pass, tile, top, begin, end, scoring); break;
    }
  }
}

template <Storage storage>
void attend(Pass& pass, const Tile& tile, int first, int last, int begin, int end) {
  for_queries<storage>(pass, tile, first, last, begin, end, true);
  weigh(pass, first, last, begin, end);
  for_queries<storage>(pass, tile, first, last, begin, end, false);
}

// The part of a tile that starts at `position` which a query sees.
inline int tile_begin(const Pass& pass, int query, int position) { return larger(pass.begins[query] - position, 0); }
inline int tile_end(const Pass& pass, int query, int position) { return smaller(pass.ends[query] - position, kKeyTile); }

bool is_seen(const Pass& pass, int position) {
  for (int q = 0; q < pass.count; q++) {
    if (tile_begin(pass, q, position) < tile_end(pass, q, position)) return true;
  }
  return false;
}

// All queries against the tile at `position`: neighbours that see the same part of it go together.
void attend_all(Pass& pass, const Tile& tile, int position) {
  for (int first = 0, last; first < pass.count; first = last) {
    const int begin = tile_begin(pass, first, position), end = tile_end(pass, first, position);
    for (last = first + 1; last < pass.count; last++) {
      if (tile_begin(pass, last, position) != begin || tile_end(pass, last, position) != end) break;
    }
    if (begin >= end) continue;
    if (tile.storage == Storage::f32) {
      attend<Storage::f32>(pass, tile, first, last, begin, end);
    } else {
      attend<Storage::bf16>(pass, tile, first, last, begin, end);
    }
  }
}

}  // namespace
}  // namespace polywen
