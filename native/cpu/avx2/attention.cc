#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "attention_tiles.h"
#include "kernels.h"
#include "panel_outputs.h"

namespace polywen::avx2 {
namespace {

// ---- Tiles of pages ----

void widen(const void* source, int count, float* target) {
  for (int i = 0; i < count; i += kLanes) _mm256_store_ps(target + i, load<Storage::bf16>(source, i));
}

// Values of `count` keys, `source_stride` apart, as whole register tiles: [columns / 16][keys of a tile][16].
void copy_values(const Pass& pass, const float* source, ptrdiff_t source_stride, int count, float* target) {
  for (int key = 0; key < count; key++) {
    const float* from = source + key * source_stride;
    float* to = target + key * kColumns;
    for (int i = 0; i < pass.stride; i += kColumns, to += pass.tile_keys * kColumns) {
      __m256 low, high;
      load_outputs(from + i, pass.width - i, low, high);
      _mm256_store_ps(to, low);
      _mm256_store_ps(to + kLanes, high);
    }
  }
}

inline const char* page_of(const PagedStore& store, const AttentionArgs& args, int page, int key_head) {
  const ptrdiff_t bytes = store.storage == Storage::f32 ? 4 : 2;
  return static_cast<const char*>(store.data) + (static_cast<ptrdiff_t>(page) * args.key_heads + key_head) * args.width * kKeyTile * bytes;
}

// What few queries convert as they load it, many share as a copy in f32: page `index` of a tile.
void copy_page(const AttentionArgs& args, Pass& pass, Page& page, int index) {
  alignas(32) float wide[kKeyTile * kMaxHeadWidth];
  const int size = pass.width * kKeyTile;
  if (args.key_pages.storage == Storage::bf16) {
    float* keys = pass.keys + index * size;
    widen(page.keys, size, keys);
    page.keys = keys;
  }
  if (args.value_pages.storage == Storage::bf16) {
    widen(page.values, size, wide);
    page.values = wide;
  }
  float* values = pass.values + index * kKeyTile * kColumns;
  copy_values(pass, static_cast<const float*>(page.values), pass.width, kKeyTile, values);
  page.values = values;
}

bool is_seen(const Pass& pass, const Tile& tile) {
  for (int q = 0; q < pass.count; q++) {
    if (!is_empty(seen(pass, tile, q))) return true;
  }
  return false;
}

// Tiles of pages, from position 0 on.
void attend_pages(const AttentionArgs& args, Pass& pass, int key_head, int row, int begin, int end) {
  const int32_t* pages = args.pages + args.page_spans[2 * args.sequence[row]];
  const int last = (end - 1) / kKeyTile, per_tile = pass.tile_keys / kKeyTile;
  const Storage storage = args.key_pages.storage;
  const bool direct = pass.width == pass.stride && storage == args.value_pages.storage &&
                      (storage == Storage::f32 || pass.count <= 2 * kTileQueries);
  Tile tile = direct ? Tile{storage, pass.stride, kColumns} : Tile{Storage::f32, kColumns, pass.tile_keys * kColumns};
  for (int first = begin / pass.tile_keys * per_tile; first <= last; first += per_tile) {
    tile.position = first * kKeyTile;
    if (!is_seen(pass, tile)) continue;
    for (int index = larger(first, begin / kKeyTile); index < smaller(first + per_tile, last + 1); index++) {
      const int next = index + per_tile <= last ? index + per_tile : index;
      Page& page = tile.pages[index - first];
      page = {page_of(args.key_pages, args, pages[index], key_head), page_of(args.value_pages, args, pages[index], key_head),
              page_of(args.key_pages, args, pages[next], key_head), page_of(args.value_pages, args, pages[next], key_head)};
      if (!direct) copy_page(args, pass, page, index - first);
    }
    attend_all(pass, tile);
  }
}

// ---- Tiles of packed rows ----

// `count` packed keys, `stride` apart, as a tile; zeros stand for the missing ones.
void transpose_keys(const float* keys, ptrdiff_t stride, int count, int width, float* target) {
  // Eight keys at a time: rows that are a power of two apart push each other out of the cache.
  for (int half = 0; half < kKeyTile; half += kLanes) {
    for (int column = 0; column + kLanes <= width; column += kLanes) {
      __m256 rows[kLanes];
      UNROLL
      for (int r = 0; r < kLanes; r++) {
        rows[r] = half + r < count ? _mm256_loadu_ps(keys + (half + r) * stride + column) : _mm256_setzero_ps();
      }
      transpose(rows);
      UNROLL
      for (int i = 0; i < kLanes; i++) _mm256_store_ps(target + (column + i) * kKeyTile + half, rows[i]);
    }
  }
  for (int column = width / kLanes * kLanes; column < width; column++) {
    for (int r = 0; r < kKeyTile; r++) target[column * kKeyTile + r] = r < count ? keys[r * stride + column] : 0;
  }
}

// Tiles of packed rows, from the begin of the span on.
void attend_packed(const AttentionArgs& args, Pass& pass, int key_head, int begin, int end) {
  const ptrdiff_t stride = static_cast<ptrdiff_t>(args.key_heads) * args.width;
  Tile tile = {Storage::f32, kColumns, pass.tile_keys * kColumns};
  for (tile.position = begin; tile.position < end; tile.position += pass.tile_keys) {
    for (int key = 0; key < pass.tile_keys && tile.position + key < end; key += kKeyTile) {
      const int position = tile.position + key, next = position + pass.tile_keys < end ? position + pass.tile_keys : position;
      const ptrdiff_t start = position * stride + static_cast<ptrdiff_t>(key_head) * args.width, next_start = start + (next - position) * stride;
      const int count = smaller(end - position, kKeyTile);
      float* keys = pass.keys + key * args.width;
      float* values = pass.values + key * kColumns;
      transpose_keys(args.keys + start, stride, count, args.width, keys);
      copy_values(pass, args.values + start, stride, count, values);
      tile.pages[key / kKeyTile] = {keys, values, reinterpret_cast<const char*>(args.keys + next_start), reinterpret_cast<const char*>(args.values + next_start)};
    }
    attend_all(pass, tile);
  }
}

// ---- Passes ----

// A page lies in one piece; packed rows are `key_heads` heads apart.
void find_lines(const AttentionArgs& args, Pass& pass) {
  const int page_step = kKeyTile * (args.key_pages.storage == Storage::f32 ? 4 : 2);
  const int row_lines = (pass.width * 4 + 63) / 64;
  for (int i = 0; i < pass.stride; i++) {  // past the width there may be nothing to fetch, which does no harm
    pass.lines[i] = args.paged ? i * page_step : i / row_lines * (args.key_heads * pass.width * 4) + i % row_lines * 64;
  }
}

// Rows whose tiles coincide: those of one sequence, or of equal begins.
bool share_tiles(const AttentionArgs& args, int left, int right) {
  return args.paged ? args.sequence[left] == args.sequence[right] : args.spans[2 * left] == args.spans[2 * right];
}

inline ptrdiff_t place_of(const AttentionArgs& args, int row, int head) {
  return (static_cast<ptrdiff_t>(row) * args.heads + head) * args.width;
}

void start(const AttentionArgs& args, Pass& pass, int row, int head) {
  const int q = pass.count++;
  const float* source = args.query + place_of(args, row, head);
  float* vector = pass.vectors + q * pass.stride;
  float* output = pass.outputs + q * pass.stride;
  for (int i = 0; i < pass.stride; i += kLanes) {
    _mm256_store_ps(vector + i, _mm256_maskload_ps(source + i, first_lanes(pass.width - i)));
    _mm256_store_ps(output + i, _mm256_setzero_ps());
  }
  pass.begins[q] = args.spans[2 * row];
  pass.ends[q] = args.spans[2 * row + 1];
  pass.maximum[q] = -__builtin_inff();
  pass.sums[q] = _mm256_setzero_ps();
}

void finish(const Pass& pass, int query, float* target) {
  const float* output = pass.outputs + query * pass.stride;
  const float sum = pass.begins[query] < pass.ends[query] ? sum_of_lanes(pass.sums[query]) : 1;  // without keys: zeros
  for (int i = 0; i < pass.width; i++) target[i] = output[i] / sum;
}

// Rows [first, last) that share tiles and heads [head, head + heads) that share a key head.
void attend_rows(const AttentionArgs& args, Pass& pass, int first, int last, int key_head, int head, int heads) {
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
  for (int q = 0; q < pass.count; q++) finish(pass, q, args.output + place_of(args, first + q / heads, head + q % heads));
}

}  // namespace

void attention(const AttentionArgs& args, int begin, int end) {
  Pass pass;
  pass.width = args.width;
  pass.stride = (args.width + kColumns - 1) / kColumns * kColumns;
  pass.tile_keys = pages_of_tile(pass.stride) * kKeyTile;
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

}  // namespace polywen::avx2
#endif
