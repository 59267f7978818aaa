// Queries against tiles of keys and values, with a softmax that goes from tile to tile.
#pragma once
#include "simd.h"

namespace polywen {
namespace {

// A query is one head of one row. The queries of neighbouring rows and of the heads that share a key head meet each
// tile of keys together; what one of them computes does not depend on the others.
constexpr int kQueries = most_block_rows(1);
constexpr int kTileQueries = 6;       // queries of one register tile
constexpr int kColumns = 2 * kLanes;  // of outputs that a register tile holds
constexpr int kMostPages = 4;         // of a tile
constexpr int kCapacity = kQueries * kMaxHeadWidth / 4;  // components of all queries of a pass

// Pages of a tile: what a softmax costs beside its exponentials is paid once for each tile, and keys or values of one stay
// in the first-level cache.
inline int pages_of_tile(int stride) { return larger(1, smaller(kMostPages, kMaxHeadWidth / stride)); }

// Everything that tiles meet again and again lies side by side here: in the tensors, heads are a power of two apart more
// often than not, and would push each other out of the cache.
struct Pass {
  int count;
  int width;
  int stride;     // of vectors, outputs and values: the width in whole register tiles
  int tile_keys;  // of a whole tile, and the stride of scores
  float scale;
  int lines[kMaxHeadWidth];  // offsets in bytes of the cache lines of a page in memory, to fetch one with each component
  int begins[kQueries];      // spans
  int ends[kQueries];
  float maximum[kQueries];                 // largest score so far
  alignas(32) float correction[kQueries];  // of sums and outputs when the maximum grows
  __m256 sums[kQueries];                   // of weights, by lanes
  alignas(32) float scores[kQueries * kMostPages * kKeyTile];  // of the tile, later its weights
  alignas(32) float keys[kMaxHeadWidth * kKeyTile];
  alignas(32) float values[kKeyTile * kMaxHeadWidth];
  alignas(32) float vectors[kCapacity];
  alignas(32) float outputs[kCapacity];  // weighted values, not yet divided by the sum of weights
};

// Sixteen keys [width][16] and their values, in strides of the tile.
struct Page {
  const void* keys;
  const void* values;
  const char* next_keys;  // where those of the same page of the next tile begin, which is fetched meanwhile
  const char* next_values;
};

// Neighbouring pages from `position` on; those that no query sees need not be there. `storage` is that of all.
struct Tile {
  Storage storage;
  ptrdiff_t value_stride;   // from key to key
  ptrdiff_t column_stride;  // from one register tile of columns to the next
  int position;
  Page pages[kMostPages];
};

// Keys of a tile.
struct Range {
  int begin;
  int end;
};

template <Storage storage>
inline __m256 load(const void* source, ptrdiff_t index) {
  if constexpr (storage == Storage::f32) return _mm256_loadu_ps(static_cast<const float*>(source) + index);
  return load_bf16(static_cast<const uint16_t*>(source) + index);
}

// What a query sees of a tile.
inline Range seen(const Pass& pass, const Tile& tile, int query) {
  return {larger(pass.begins[query] - tile.position, 0), smaller(pass.ends[query] - tile.position, pass.tile_keys)};
}

inline bool is_empty(Range range) { return range.begin >= range.end; }

// ---- Scores ----

// Scores of all keys of a page: those that a query does not see do no harm.
template <Storage storage, int Queries>
void score_page(const Pass& pass, Page page, int first, float* scores, bool fetching) {
  const float* vectors[Queries];
  __m256 sums[Queries][2];
  UNROLL
  for (int q = 0; q < Queries; q++) {
    vectors[q] = pass.vectors + (first + q) * pass.stride;
    sums[q][0] = sums[q][1] = _mm256_setzero_ps();
  }
  const ptrdiff_t width = pass.width;
  for (ptrdiff_t i = 0; i < width; i++) {
    if (fetching) _mm_prefetch(page.next_keys + pass.lines[i], _MM_HINT_T0);
    const __m256 low = load<storage>(page.keys, i * kKeyTile);
    const __m256 high = load<storage>(page.keys, i * kKeyTile + kLanes);
    UNROLL
    for (int q = 0; q < Queries; q++) {
      const __m256 factor = _mm256_broadcast_ss(vectors[q] + i);
      sums[q][0] = _mm256_fmadd_ps(factor, low, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(factor, high, sums[q][1]);
    }
  }
  UNROLL
  for (int q = 0; q < Queries; q++) {
    _mm256_store_ps(scores + q * pass.tile_keys, sums[q][0]);
    _mm256_store_ps(scores + q * pass.tile_keys + kLanes, sums[q][1]);
  }
}

template <Storage storage, int Queries>
void score_queries(Pass& pass, const Tile& tile, int first, bool fetching) {
  Range all = seen(pass, tile, first);
  for (int q = 1; q < Queries; q++) {
    const Range range = seen(pass, tile, first + q);
    all = {smaller(all.begin, range.begin), larger(all.end, range.end)};
  }
  for (int key = all.begin / kKeyTile * kKeyTile; key < all.end; key += kKeyTile) {
    score_page<storage, Queries>(pass, tile.pages[key / kKeyTile], first, pass.scores + first * pass.tile_keys + key, fetching);
  }
}

// ---- Weights ----

// Scales the scores of eight keys from `key` on and hides those out of range.
inline __m256 scaled_scores(const float* scores, __m256 scale, Range range, int key) {
  const __m256 scaled = _mm256_mul_ps(_mm256_load_ps(scores + key), scale);
  if (range.begin <= key && key + kLanes <= range.end) return scaled;
  const __m256i mask = _mm256_andnot_si256(first_lanes(range.begin - key), first_lanes(range.end - key));
  return _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()), scaled, _mm256_castsi256_ps(mask));
}

// Turns the scores of queries [first, last) into weights.
void weigh(Pass& pass, const Tile& tile, int first, int last) {
  const __m256 scale = _mm256_set1_ps(pass.scale);
  for (int q = first; q < last; q++) {
    const Range range = seen(pass, tile, q);
    float* scores = pass.scores + q * pass.tile_keys;
    __m256 largest = _mm256_set1_ps(-__builtin_inff());
    for (int key = range.begin / kLanes * kLanes; key < range.end; key += kLanes) {
      const __m256 scaled = scaled_scores(scores, scale, range, key);
      _mm256_store_ps(scores + key, scaled);
      largest = _mm256_max_ps(largest, scaled);
    }
    const float before = pass.maximum[q], now = largest_lane(largest);
    pass.maximum[q] = now > before ? now : before;
    pass.correction[q] = before - pass.maximum[q];
  }
  // Whole registers: the corrections around those of [first, last) are not in use.
  for (int q = first / kLanes * kLanes; q < last; q += kLanes) {
    _mm256_store_ps(pass.correction + q, exponential(_mm256_load_ps(pass.correction + q)));
  }
  for (int q = first; q < last; q++) {
    const Range range = seen(pass, tile, q);
    float* scores = pass.scores + q * pass.tile_keys;
    const __m256 maximum = _mm256_set1_ps(pass.maximum[q]);
    __m256 sum = _mm256_setzero_ps();
    for (int key = range.begin / kLanes * kLanes; key < range.end; key += kLanes) {
      const __m256 weights = exponential(_mm256_sub_ps(_mm256_load_ps(scores + key), maximum));
      _mm256_store_ps(scores + key, weights);
      sum = _mm256_add_ps(sum, weights);
    }
    pass.sums[q] = _mm256_fmadd_ps(pass.sums[q], _mm256_broadcast_ss(pass.correction + q), sum);
  }
}

// ---- Values ----

// Adds the values of keys in `range` to the sums of queries [First, Last) of a register tile.
template <Storage storage, int First, int Last, int Queries>
inline __attribute__((always_inline)) void add_keys(const Pass& pass, const Tile& tile, const float* weights, ptrdiff_t column, Range range, bool fetching, __m256 (&sums)[Queries][2]) {
  const ptrdiff_t value_stride = tile.value_stride;
  for (ptrdiff_t top = range.begin; top < range.end; top = top / kKeyTile * kKeyTile + kKeyTile) {
    const Page page = tile.pages[top / kKeyTile];
    const ptrdiff_t first = top % kKeyTile, last = smaller(kKeyTile, static_cast<int>(range.end - (top - first)));
    const float* rows[Queries];
    UNROLL
    for (int q = First; q < Last; q++) rows[q] = weights + q * pass.tile_keys + (top - first);
    ptrdiff_t place = column / kColumns * tile.column_stride + first * tile.value_stride;
    for (ptrdiff_t key = first; key < last; key++, place += value_stride) {
      if (fetching) _mm_prefetch(page.next_values + pass.lines[column + key], _MM_HINT_T0);
      const __m256 low = load<storage>(page.values, place);
      const __m256 high = load<storage>(page.values, place + kLanes);
      UNROLL
      for (int q = First; q < Last; q++) {
        const __m256 factor = _mm256_broadcast_ss(rows[q] + key);
        sums[q][0] = _mm256_fmadd_ps(factor, low, sums[q][0]);
        sums[q][1] = _mm256_fmadd_ps(factor, high, sums[q][1]);
      }
    }
  }
}

// Adds the values of what queries see from `begin` to `end`, each alone.
template <Storage storage, int Queries, int Query = 0>
inline __attribute__((always_inline)) void add_apart(const Pass& pass, const Tile& tile, const float* weights, ptrdiff_t column, const Range (&ranges)[Queries], int begin, int end,
                                                     __m256 (&sums)[Queries][2]) {
  const Range range = {larger(ranges[Query].begin, begin), smaller(ranges[Query].end, end)};
  add_keys<storage, Query, Query + 1>(pass, tile, weights, column, range, false, sums);
  if constexpr (Query + 1 < Queries) add_apart<storage, Queries, Query + 1>(pass, tile, weights, column, ranges, begin, end, sums);
}

// The sum over a tile begins at zero: each of its terms would otherwise be rounded at the size of the sum over all keys
// before it. Keys in order for each query; those that all queries see are read once for all.
template <Storage storage, int Queries>
void add_values(Pass& pass, const Tile& tile, int first, bool fetching) {
  const float* weights = pass.scores + first * pass.tile_keys;
  Range ranges[Queries], common = {0, pass.tile_keys};
  for (int q = 0; q < Queries; q++) {
    ranges[q] = seen(pass, tile, first + q);
    common = {larger(common.begin, ranges[q].begin), smaller(common.end, ranges[q].end)};
  }
  common.end = larger(common.begin, common.end);
  bool alike = true;
  for (const Range& range : ranges) alike = alike && range.begin == common.begin && range.end == common.end;
  for (ptrdiff_t column = 0; column < pass.stride; column += kColumns) {
    __m256 sums[Queries][2];
    UNROLL
    for (int q = 0; q < Queries; q++) sums[q][0] = sums[q][1] = _mm256_setzero_ps();
    if (!alike) add_apart<storage>(pass, tile, weights, column, ranges, 0, common.begin, sums);
    add_keys<storage, 0, Queries>(pass, tile, weights, column, common, fetching, sums);
    if (!alike) add_apart<storage>(pass, tile, weights, column, ranges, common.end, pass.tile_keys, sums);
    float* output = pass.outputs + first * pass.stride + column;
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
void score_or_add(Pass& pass, const Tile& tile, int first, bool fetching, bool scoring) {
  if (scoring) {
    score_queries<storage, Queries>(pass, tile, first, fetching);
  } else {
    add_values<storage, Queries>(pass, tile, first, fetching);
  }
}

// Queries [first, last) in register tiles of nearly equal height. The first of them fetches the next tile for all.
template <Storage storage>
void for_queries(Pass& pass, const Tile& tile, int first, int last, bool scoring) {
  const int count = last - first, tiles = (count + kTileQueries - 1) / kTileQueries;
  for (int i = 0; i < tiles; i++) {
    const int top = first + count * i / tiles;
    switch (first + count * (i + 1) / tiles - top) {
      case 1: score_or_add<storage, 1>(pass, tile, top, i == 0, scoring); break;
      case 2: score_or_add<storage, 2>(pass, tile, top, i == 0, scoring); break;
      case 3: score_or_add<storage, 3>(pass, tile, top, i == 0, scoring); break;
      case 4: score_or_add<storage, 4>(pass, tile, top, i == 0, scoring); break;
      case 5: score_or_add<storage, 5>(pass, tile, top, i == 0, scoring); break;
      case 6: score_or_add<storage, 6>(pass, tile, top, i == 0, scoring); break;
    }
  }
}

template <Storage storage>
void attend(Pass& pass, const Tile& tile, int first, int last) {
  for_queries<storage>(pass, tile, first, last, true);
  weigh(pass, tile, first, last);
  for_queries<storage>(pass, tile, first, last, false);
}

// All queries that see anything of the tile, neighbours together.
void attend_all(Pass& pass, const Tile& tile) {
  for (int first = 0, last; first < pass.count; first = last + 1) {
    for (last = first; last < pass.count && !is_empty(seen(pass, tile, last)); last++) {}
    if (first == last) continue;
    if (tile.storage == Storage::f32) {
      attend<Storage::f32>(pass, tile, first, last);
    } else {
      attend<Storage::bf16>(pass, tile, first, last);
    }
  }
}

}  // namespace
}  // namespace polywen
