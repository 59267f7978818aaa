#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "kernels.h"
#include "simd.h"

namespace polywen::avx2 {
namespace {

// A query is one head of one row. The queries of neighbouring rows and of the heads that share a key head meet each
// tile of keys together; what one of them computes does not depend on the others.
constexpr int kQueries = 128;
constexpr int kTileQueries = 6;  // queries of one register tile

struct Pass {
  int count;
  int width;
  float scale;
  const float* vectors[kQueries];
  float* outputs[kQueries];  // weighted values, not yet divided by the sum of weights
  int begins[kQueries];      // spans
  int ends[kQueries];
  float maximum[kQueries];              // largest score so far
  alignas(32) float correction[kQueries];  // of sums and outputs when the maximum grows
  __m256 sums[kQueries];                // of weights, by lanes
  alignas(32) float scores[kQueries][kKeyTile];  // of the tile, later its weights
  alignas(32) float keys[kMaxHeadWidth * kKeyTile];
  alignas(32) float values[kKeyTile * kMaxHeadWidth];
};

// Sixteen keys [width][16] and their values [16][stride]; `storage` is that of both.
struct Tile {
  Storage storage;
  const void* keys;
  const void* values;
  ptrdiff_t stride;
  const char* ahead_keys;  // the next tile, fetched meanwhile
  const char* ahead_values;
  int ahead_step;  // bytes of each for every component of the head
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
    vectors[q] = pass.vectors[first + q];
    sums[q][0] = sums[q][1] = _mm256_setzero_ps();
  }
  for (ptrdiff_t i = 0; i < pass.width; i++) {
    _mm_prefetch(tile.ahead_keys + i * tile.ahead_step, _MM_HINT_T0);
    _mm_prefetch(tile.ahead_values + i * tile.ahead_step, _MM_HINT_T0);
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

// Sixteen columns of the outputs, or with `cut` the fewer ones that are left.
template <Storage storage, int Queries, bool cut>
inline void add_columns(Pass& pass, const Tile& tile, int first, int begin, int end, int column) {
  const __m256i low_mask = first_lanes(pass.width - column), high_mask = first_lanes(pass.width - column - kLanes);
  __m256 sums[Queries][2];
  UNROLL
  for (int q = 0; q < Queries; q++) {
    const float* output = pass.outputs[first + q] + column;
    const __m256 correction = _mm256_broadcast_ss(pass.correction + first + q);
    sums[q][0] = _mm256_mul_ps(cut ? _mm256_maskload_ps(output, low_mask) : _mm256_loadu_ps(output), correction);
    sums[q][1] = _mm256_mul_ps(cut ? _mm256_maskload_ps(output + kLanes, high_mask) : _mm256_loadu_ps(output + kLanes), correction);
  }
  const float* weights = pass.scores[first];
  for (ptrdiff_t key = begin; key < end; key++) {
    const ptrdiff_t index = key * tile.stride + column;
    __m256 low, high;
    if constexpr (cut) {
      low = _mm256_maskload_ps(static_cast<const float*>(tile.values) + index, low_mask);
      high = _mm256_maskload_ps(static_cast<const float*>(tile.values) + index + kLanes, high_mask);
    } else {
      low = load<storage>(tile.values, index);
      high = load<storage>(tile.values, index + kLanes);
    }
    UNROLL
    for (int q = 0; q < Queries; q++) {
      const __m256 factor = _mm256_broadcast_ss(weights + q * kKeyTile + key);
      sums[q][0] = _mm256_fmadd_ps(factor, low, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(factor, high, sums[q][1]);
    }
  }
  UNROLL
  for (int q = 0; q < Queries; q++) {
    float* output = pass.outputs[first + q] + column;
    if constexpr (cut) {
      _mm256_maskstore_ps(output, low_mask, sums[q][0]);
      _mm256_maskstore_ps(output + kLanes, high_mask, sums[q][1]);
    } else {
      _mm256_storeu_ps(output, sums[q][0]);
      _mm256_storeu_ps(output + kLanes, sums[q][1]);
    }
  }
}

template <Storage storage, int Queries>
void add_values(Pass& pass, const Tile& tile, int first, int begin, int end) {
  int column = 0;
  for (; column + 2 * kLanes <= pass.width; column += 2 * kLanes) add_columns<storage, Queries, false>(pass, tile, first, begin, end, column);
  if constexpr (storage == Storage::f32) {
    if (column < pass.width) add_columns<storage, Queries, true>(pass, tile, first, begin, end, column);
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

void widen(const void* source, int count, float* target) {
  for (int i = 0; i < count; i += kLanes) _mm256_store_ps(target + i, load<Storage::bf16>(source, i));
}

inline const char* page_of(const PagedStore& store, const AttentionArgs& args, int page, int key_head) {
  const ptrdiff_t bytes = store.storage == Storage::f32 ? 4 : 2;
  return static_cast<const char*>(store.data) + (static_cast<ptrdiff_t>(page) * args.key_heads + key_head) * args.width * kKeyTile * bytes;
}

// Pages are tiles. Few queries convert bf16 as they load it, many share a converted copy.
void attend_pages(const AttentionArgs& args, Pass& pass, int key_head, int row, int begin, int end) {
  const int32_t* pages = args.pages + args.page_spans[2 * args.sequence[row]];
  const int first = begin / kKeyTile, last = (end - 1) / kKeyTile;
  const bool direct = pass.count <= 2 * kTileQueries && pass.width % (2 * kLanes) == 0;
  const int size = pass.width * kKeyTile;
  for (int index = first; index <= last; index++) {
    if (!is_seen(pass, index * kKeyTile)) continue;
    const int next = index < last ? index + 1 : index;
    Tile tile = {args.key_pages.storage,
                 page_of(args.key_pages, args, pages[index], key_head),
                 page_of(args.value_pages, args, pages[index], key_head),
                 pass.width,
                 page_of(args.key_pages, args, pages[next], key_head),
                 page_of(args.value_pages, args, pages[next], key_head),
                 args.key_pages.storage == Storage::f32 ? 4 * kKeyTile : 2 * kKeyTile};
    const bool mixed = args.key_pages.storage != args.value_pages.storage;
    if (mixed || (tile.storage == Storage::bf16 && !direct)) {
      if (args.key_pages.storage == Storage::bf16) {
        widen(tile.keys, size, pass.keys);
        tile.keys = pass.keys;
      }
      if (args.value_pages.storage == Storage::bf16) {
        widen(tile.values, size, pass.values);
        tile.values = pass.values;
      }
      tile.storage = Storage::f32;
    }
    attend_all(pass, tile, index * kKeyTile);
  }
}

// Eight columns of eight rows, row r at rows[r], become eight rows of eight columns, 16 values apart.
inline void transpose(const __m256 (&rows)[kLanes], float* target) {
  __m256 pairs[kLanes], fours[kLanes];
  UNROLL
  for (int i = 0; i < 4; i++) {
    pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
  }
  UNROLL
  for (int i = 0; i < 2; i++) {
    fours[4 * i] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
    fours[4 * i + 1] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
    fours[4 * i + 2] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
    fours[4 * i + 3] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    _mm256_store_ps(target + i * kKeyTile, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20));
    _mm256_store_ps(target + (i + 4) * kKeyTile, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31));
  }
}

// `count` packed keys, `stride` apart, as a tile; zeros stand for the missing ones.
void transpose_keys(const float* keys, ptrdiff_t stride, int count, int width, float* target) {
  int column = 0;
  for (; column + kLanes <= width; column += kLanes) {
    UNROLL
    for (int half = 0; half < kKeyTile; half += kLanes) {
      __m256 rows[kLanes];
      UNROLL
      for (int r = 0; r < kLanes; r++) {
        rows[r] = half + r < count ? _mm256_loadu_ps(keys + (half + r) * stride + column) : _mm256_setzero_ps();
      }
      transpose(rows, target + column * kKeyTile + half);
    }
  }
  for (; column < width; column++) {
    for (int r = 0; r < kKeyTile; r++) target[column * kKeyTile + r] = r < count ? keys[r * stride + column] : 0;
  }
}

void attend_packed(const AttentionArgs& args, Pass& pass, int key_head, int begin, int end) {
  const ptrdiff_t stride = static_cast<ptrdiff_t>(args.key_heads) * args.width;
  for (int position = begin; position < end; position += kKeyTile) {
    const ptrdiff_t start = position * stride + static_cast<ptrdiff_t>(key_head) * args.width;
    transpose_keys(args.keys + start, stride, smaller(end - position, kKeyTile), args.width, pass.keys);
    const char* here = reinterpret_cast<const char*>(pass.keys);  // nothing to fetch: rows lie in sequence
    attend_all(pass, {Storage::f32, pass.keys, args.values + start, stride, here, here, 0}, position);
  }
}

// ---- Passes ----

// Rows whose tiles coincide: those of one sequence, or of equal begins.
bool share_tiles(const AttentionArgs& args, int left, int right) {
  return args.paged ? args.sequence[left] == args.sequence[right] : args.spans[2 * left] == args.spans[2 * right];
}

void start(const AttentionArgs& args, Pass& pass, int row, int head) {
  const int q = pass.count++;
  const ptrdiff_t offset = (static_cast<ptrdiff_t>(row) * args.heads + head) * args.width;
  pass.vectors[q] = args.query + offset;
  pass.outputs[q] = args.output + offset;
  pass.begins[q] = args.spans[2 * row];
  pass.ends[q] = args.spans[2 * row + 1];
  pass.maximum[q] = -__builtin_inff();
  pass.sums[q] = _mm256_setzero_ps();
  for (int i = 0; i < pass.width; i++) pass.outputs[q][i] = 0;
}

void finish(Pass& pass, int query) {
  if (pass.begins[query] >= pass.ends[query]) return;
  const float sum = sum_of_lanes(pass.sums[query]);
  for (int i = 0; i < pass.width; i++) pass.outputs[query][i] /= sum;
}

// Rows [first, last) that share tiles and heads [head, head + heads) that share a key head.
void attend_rows(const AttentionArgs& args, Pass& pass, int first, int last, int key_head, int head, int heads) {
  pass.count = 0;
  pass.width = args.width;
  pass.scale = args.scale;
  int begin = 0x7fffffff, end = 0;
  for (int row = first; row < last; row++) {
    for (int i = 0; i < heads; i++) start(args, pass, row, head + i);
    if (args.spans[2 * row] >= args.spans[2 * row + 1]) continue;
    begin = smaller(begin, args.spans[2 * row]);
    end = larger(end, args.spans[2 * row + 1]);
  }
  if (begin < end) {
    if (args.paged) {
      attend_pages(args, pass, key_head, first, begin, end);
    } else {
      attend_packed(args, pass, key_head, begin, end);
    }
  }
  for (int q = 0; q < pass.count; q++) finish(pass, q);
}

}  // namespace

void attention(const AttentionArgs& args, int begin, int end) {
  Pass pass;
  for (float& correction : pass.correction) correction = 0;
  const int group = args.heads / args.key_heads;
  for (int item = begin; item < end; item++) {
    const int key_head = item % args.key_heads;
    const int block = item / args.key_heads * kAttentionRows;
    const int block_end = smaller(block + kAttentionRows, args.rows);
    for (int first = block, last; first < block_end; first = last) {
      for (last = first + 1; last < block_end && share_tiles(args, first, last); last++) {}
      const int heads = kQueries / (last - first);  // at a time
      for (int head = 0; head < group; head += heads) {
        attend_rows(args, pass, first, last, key_head, key_head * group + head, smaller(heads, group - head));
      }
    }
  }
}

}  // namespace polywen::avx2
#endif
