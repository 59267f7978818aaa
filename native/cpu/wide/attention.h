// Attention over pages and over packed keys. A query is one head of one row. The queries of neighbouring rows and of the
// heads that share a key head meet each tile of keys together; what one of them computes does not depend on the others.
#pragma once
#include "exponential.h"
#include "panel_outputs.h"

namespace polywen {
namespace {

constexpr int kQueries = most_block_rows(1);
constexpr int kCapacity = kQueries * kMaxHeadWidth / 4;  // components of all queries of a pass

// Everything that tiles meet again and again lies side by side here: in the tensors, heads are a power of two apart more
// often than not, and would push each other out of the cache.
struct Pass {
  int count;
  int width;
  int stride;  // of vectors, outputs and values: the width in whole registers
  float scale;
  int lines[kMaxHeadWidth];  // offsets in bytes of the cache lines of a tile in memory, to fetch one with each component
  int begins[kQueries];      // spans
  int ends[kQueries];
  float maximum[kQueries];                 // largest score so far
  alignas(64) float correction[kQueries];  // of sums and outputs when the maximum grows
  Floats sums[kQueries];                   // of weights, by lanes
  alignas(64) float scores[kQueries][kKeyTile];  // of the tile, later its weights
  alignas(64) float keys[kMaxHeadWidth * kKeyTile];
  alignas(64) float values[kKeyTile * kMaxHeadWidth];
  alignas(64) float vectors[kCapacity];
  alignas(64) float outputs[kCapacity];  // weighted values, not yet divided by the sum of weights
};

// Sixteen keys [width][16] and their values [16][stride of the pass]; `storage` is that of both.
struct KeyTile {
  Storage storage;
  const void* keys;
  const void* values;
  const char* next_keys;  // where those of the next tile begin, which is fetched meanwhile
  const char* next_values;
};

template <Storage storage>
inline Floats load_stored(const void* source, ptrdiff_t index) {
  if constexpr (storage == Storage::f32) return load(static_cast<const float*>(source) + index);
  return load_bf16(static_cast<const uint16_t*>(source) + index);
}

template <Storage storage, int Queries>
void score_queries(Pass& pass, const KeyTile& tile, int first) {
  const float* vectors = pass.vectors + static_cast<ptrdiff_t>(first) * pass.stride;
  Floats sums[Queries];
  UNROLL
  for (int q = 0; q < Queries; q++) sums[q] = zeros();
  for (ptrdiff_t i = 0; i < pass.width; i++) {
    __builtin_prefetch(tile.next_keys + pass.lines[i]);
    __builtin_prefetch(tile.next_values + pass.lines[i]);
    const Floats keys = load_stored<storage>(tile.keys, i * kKeyTile);
    UNROLL
    for (int q = 0; q < Queries; q++) sums[q] = multiply_add(broadcast(vectors[q * pass.stride + i]), keys, sums[q]);
  }
  UNROLL
  for (int q = 0; q < Queries; q++) store(pass.scores[first + q], sums[q]);
}

// Turns the scores of queries [first, last) for keys [begin, end) of the tile into weights.
inline void weigh(Pass& pass, int first, int last, int begin, int end) {
  const Floats scale = broadcast(pass.scale), none = broadcast(-__builtin_inff());
  for (int q = first; q < last; q++) {
    const Floats scores = keep_lanes(load(pass.scores[q]) * scale, begin, end, none);
    store(pass.scores[q], scores);
    const float before = pass.maximum[q], now = largest_lane(scores);
    pass.maximum[q] = now > before ? now : before;
    pass.correction[q] = before - pass.maximum[q];
  }
  // Whole registers: the corrections around those of [first, last) are not in use.
  for (int q = first / kLanes * kLanes; q < last; q += kLanes) store(pass.correction + q, exponential(load(pass.correction + q)));
  for (int q = first; q < last; q++) {
    const Floats weights = exponential(load(pass.scores[q]) - broadcast(pass.maximum[q]));
    store(pass.scores[q], weights);
    pass.sums[q] = multiply_add(pass.sums[q], broadcast(pass.correction[q]), weights);
  }
}

// The sum over a tile begins at zero: each of its terms would otherwise be rounded at the size of the sum over all keys before it.
template <Storage storage, int Queries>
void add_values(Pass& pass, const KeyTile& tile, int first, int begin, int end) {
  const float* weights = pass.scores[first];
  for (ptrdiff_t column = 0; column < pass.stride; column += kLanes) {
    float* output = pass.outputs + static_cast<ptrdiff_t>(first) * pass.stride + column;
    Floats sums[Queries];
    UNROLL
    for (int q = 0; q < Queries; q++) sums[q] = zeros();
    for (ptrdiff_t key = begin; key < end; key++) {
      const Floats values = load_stored<storage>(tile.values, key * pass.stride + column);
      UNROLL
      for (int q = 0; q < Queries; q++) sums[q] = multiply_add(broadcast(weights[q * kKeyTile + key]), values, sums[q]);
    }
    UNROLL
    for (int q = 0; q < Queries; q++) {
      float* total = output + q * pass.stride;
      store(total, multiply_add(load(total), broadcast(pass.correction[first + q]), sums[q]));
    }
  }
}

// ---- Tiles ----

template <Storage storage, int Queries>
void score_or_add(Pass& pass, const KeyTile& tile, int first, int begin, int end, bool scoring) {
  if (scoring) {
    score_queries<storage, Queries>(pass, tile, first);
  } else {
    add_values<storage, Queries>(pass, tile, first, begin, end);
  }
}

// Queries [first, last) in register tiles of nearly equal height.
template <Storage storage>
void for_queries(Pass& pass, const KeyTile& tile, int first, int last, int begin, int end, bool scoring) {
  static_assert(kTileQueries <= 8);
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
      case 7: score_or_add<storage, 7>(pass, tile, top, begin, end, scoring); break;
      case 8: score_or_add<storage, 8>(pass, tile, top, begin, end, scoring); break;
    }
  }
}

template <Storage storage>
void attend(Pass& pass, const KeyTile& tile, int first, int last, int begin, int end) {
  for_queries<storage>(pass, tile, first, last, begin, end, true);
  weigh(pass, first, last, begin, end);
  for_queries<storage>(pass, tile, first, last, begin, end, false);
}

// The part of a tile that starts at `position` which a query sees.
inline int tile_begin(const Pass& pass, int query, int position) { return larger(pass.begins[query] - position, 0); }
inline int tile_end(const Pass& pass, int query, int position) { return smaller(pass.ends[query] - position, kKeyTile); }

inline bool is_seen(const Pass& pass, int position) {
  for (int q = 0; q < pass.count; q++) {
    if (tile_begin(pass, q, position) < tile_end(pass, q, position)) return true;
  }
  return false;
}

// All queries against the tile at `position`: neighbours that see the same part of it go together.
inline void attend_all(Pass& pass, const KeyTile& tile, int position) {
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

inline void widen(const void* source, int count, float* target) {
  for (int i = 0; i < count; i += kLanes) store(target + i, load_stored<Storage::bf16>(source, i));
}

// Spreads `count` rows of values, `source_stride` apart, to whole registers.
inline void copy_values(Pass& pass, const float* source, ptrdiff_t source_stride, int count) {
  for (int key = 0; key < count; key++) {
    for (int i = 0; i < pass.stride; i += kLanes) {
      store(pass.values + key * pass.stride + i, load_outputs(source + key * source_stride + i, pass.width - i));
    }
  }
}

// ---- Pages are tiles. Few queries convert bf16 as they load it, many share a converted copy. ----

inline const char* page_of(const PagedStore& store, const AttentionArgs& args, int page, int key_head) {
  const ptrdiff_t bytes = store.storage == Storage::f32 ? 4 : 2;
  return static_cast<const char*>(store.data) + (static_cast<ptrdiff_t>(page) * args.key_heads + key_head) * args.width * kKeyTile * bytes;
}

// A copy of a page in f32 and whole registers.
inline void copy_page(const AttentionArgs& args, Pass& pass, KeyTile& tile) {
  alignas(64) float narrow[kKeyTile * kMaxHeadWidth];
  const int size = pass.width * kKeyTile;
  if (args.key_pages.storage == Storage::bf16) {
    widen(tile.keys, size, pass.keys);
    tile.keys = pass.keys;
  }
  const bool whole = pass.width == pass.stride;
  if (args.value_pages.storage == Storage::bf16) {
    float* target = whole ? pass.values : narrow;
    widen(tile.values, size, target);
    tile.values = target;
  }
  if (!whole) {
    copy_values(pass, static_cast<const float*>(tile.values), pass.width, kKeyTile);
    tile.values = pass.values;
  }
  tile.storage = Storage::f32;
}

inline void attend_pages(const AttentionArgs& args, Pass& pass, int key_head, int row, int begin, int end) {
  const int32_t* pages = args.pages + args.page_spans[2 * args.sequence[row]];
  const int first = begin / kKeyTile, last = (end - 1) / kKeyTile;
  const Storage storage = args.key_pages.storage;
  const bool direct = pass.width == pass.stride && storage == args.value_pages.storage && (storage == Storage::f32 || pass.count <= 2 * kTileQueries);
  for (int index = first; index <= last; index++) {
    if (!is_seen(pass, index * kKeyTile)) continue;
    const int next = index < last ? index + 1 : index;
    KeyTile tile = {storage,
                    page_of(args.key_pages, args, pages[index], key_head),
                    page_of(args.value_pages, args, pages[index], key_head),
                    page_of(args.key_pages, args, pages[next], key_head),
                    page_of(args.value_pages, args, pages[next], key_head)};
    if (!direct) copy_page(args, pass, tile);
    attend_all(pass, tile, index * kKeyTile);
  }
}

// ---- Packed keys become tiles; zeros stand for the missing ones. ----

inline void transpose_keys(const float* keys, ptrdiff_t stride, int count, int width, float* target) {
  for (int column = 0; column < width; column += kLanes) {
    Floats rows[kLanes];
    UNROLL
    for (int r = 0; r < kLanes; r++) rows[r] = r < count ? load_outputs(keys + r * stride + column, width - column) : zeros();
    transpose(rows);
    for (int i = 0; i < smaller(kLanes, width - column); i++) store(target + (column + i) * kKeyTile, rows[i]);
  }
}

inline void attend_packed(const AttentionArgs& args, Pass& pass, int key_head, int begin, int end) {
  const ptrdiff_t stride = static_cast<ptrdiff_t>(args.key_heads) * args.width;
  for (int position = begin; position < end; position += kKeyTile) {
    const ptrdiff_t start = position * stride + static_cast<ptrdiff_t>(key_head) * args.width;
    const int count = smaller(end - position, kKeyTile);
    transpose_keys(args.keys + start, stride, count, args.width, pass.keys);
    copy_values(pass, args.values + start, stride, count);
    const ptrdiff_t next = position + kKeyTile < end ? start + kKeyTile * stride : start;
    attend_all(pass, {Storage::f32, pass.keys, pass.values, reinterpret_cast<const char*>(args.keys + next), reinterpret_cast<const char*>(args.values + next)}, position);
  }
}

// ---- Passes ----

// A page lies in one piece; packed rows are `key_heads` heads apart.
inline void find_lines(const AttentionArgs& args, Pass& pass) {
  const int page_step = kKeyTile * (args.key_pages.storage == Storage::f32 ? 4 : 2);
  const int row_lines = (pass.width * 4 + 63) / 64;
  for (int i = 0; i < pass.width; i++) {
    pass.lines[i] = args.paged ? i * page_step : i / row_lines * (args.key_heads * pass.width * 4) + i % row_lines * 64;
  }
}

// Rows whose tiles coincide: those of one sequence, or of equal begins.
inline bool share_tiles(const AttentionArgs& args, int left, int right) {
  return args.paged ? args.sequence[left] == args.sequence[right] : args.spans[2 * left] == args.spans[2 * right];
}

inline ptrdiff_t query_at(const AttentionArgs& args, int row, int head) { return (static_cast<ptrdiff_t>(row) * args.heads + head) * args.width; }

inline void start(const AttentionArgs& args, Pass& pass, int row, int head) {
  const int q = pass.count++;
  const float* source = args.query + query_at(args, row, head);
  for (int i = 0; i < pass.stride; i += kLanes) {
    store(pass.vectors + q * pass.stride + i, load_outputs(source + i, pass.width - i));
    store(pass.outputs + q * pass.stride + i, zeros());
  }
  pass.begins[q] = args.spans[2 * row];
  pass.ends[q] = args.spans[2 * row + 1];
  pass.maximum[q] = -__builtin_inff();
  pass.sums[q] = zeros();
}

inline void finish(const Pass& pass, int query, float* target) {
  const float sum = pass.begins[query] < pass.ends[query] ? sum_of_lanes(pass.sums[query]) : 1;  // without keys: zeros
  for (int i = 0; i < pass.width; i += kLanes) {
    store_outputs(target + i, pass.width - i, load(pass.outputs + query * pass.stride + i) / broadcast(sum));
  }
}

// Rows [first, last) that share tiles and heads [head, head + heads) that share a key head.
inline void attend_rows(const AttentionArgs& args, Pass& pass, int first, int last, int key_head, int head, int heads) {
  pass.count = 0;
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
  for (int q = 0; q < pass.count; q++) finish(pass, q, args.output + query_at(args, first + q / heads, head + q % heads));
}

inline void attend_items(const AttentionArgs& args, int begin, int end) {
  Pass pass;
  pass.width = args.width;
  pass.stride = (args.width + kLanes - 1) / kLanes * kLanes;
  pass.scale = args.scale;
  find_lines(args, pass);
  for (float& correction : pass.correction) correction = 0;
  const int group = args.heads / args.key_heads;
  for (int item = begin; item < end; item++) {
    const int key_head = item % args.key_heads;
    const int block = item / args.key_heads * args.block_rows;
    const int block_end = smaller(block + args.block_rows, args.rows);
    for (int first = block, last; first < block_end; first = last) {
      for (last = first + 1; last < block_end && share_tiles(args, first, last); last++) {}
      const int heads = smaller(kQueries, kCapacity / pass.stride) / (last - first);  // at a time
      for (int head = 0; head < group; head += heads) {
        attend_rows(args, pass, first, last, key_head, key_head * group + head, smaller(heads, group - head));
      }
    }
  }
}

}  // namespace
}  // namespace polywen
