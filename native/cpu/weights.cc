#include "weights.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>

#include "generic/numbers.h"
#include "pack.h"
#include "weight_file.h"

namespace polywen {
namespace {

constexpr int64_t kTaskBytes = 1 << 18;  // what is read stays in the cache of a core until it is packed

// A part of a weight that one thread reads and lays out: panels of a matrix or values of a vector.
struct Task {
  const WeightSource* source;
  const WeightFile* file;  // null: in memory
  Weight* target;
  int64_t begin;
  int64_t end;
};

// Bytes [offset, offset + length) of a source: in place, or read into `scratch`.
const char* fetch(const Task& task, int64_t offset, int64_t length, std::vector<char>& scratch) {
  if (!task.file) return task.source->bytes + offset;
  if (static_cast<int64_t>(scratch.size()) < length) scratch.resize(static_cast<size_t>(length));
  task.file->read(task.source->offset + offset, length, scratch.data());
  return scratch.data();
}

template <typename Bits>
void widen(const char* stored, int64_t count, float (*convert)(Bits), float* target) {
  for (int64_t i = 0; i < count; i++) {
    Bits bits;
    memcpy(&bits, stored + i * static_cast<int64_t>(sizeof bits), sizeof bits);
    target[i] = convert(bits);
  }
}

void load_vector(const Task& task, const char* stored) {
  float* target = reinterpret_cast<float*>(task.target->memory.data()) + task.begin;
  const int64_t count = task.end - task.begin;
  if (is_quantised(task.source->storage)) {  // whole: see add_tasks
    std::vector<char> panel(panel_bytes(task.source->storage, task.source->in));
    pack_panels(task.source->storage, stored, 1, task.source->in, panel.data(), 0, 1);
    return unpack_row({task.source->storage, 1, task.source->in, panel.data()}, 0, target);
  }
  if (task.source->storage == Storage::f32) memcpy(target, stored, static_cast<size_t>(count) * sizeof(float));
  else if (task.source->storage == Storage::bf16) widen<uint16_t>(stored, count, generic::float_of_bf16, target);
  else widen<uint16_t>(stored, count, generic::float_of_f16, target);
}

void load_panels(const Task& task, const char* stored, int rows, std::vector<char>& aligned) {
  const WeightSource& source = *task.source;
  if (!is_quantised(source.storage) && reinterpret_cast<uintptr_t>(stored) % alignof(float) != 0) {
    aligned.assign(stored, stored + rows * source.row_bytes());
    stored = aligned.data();
  }
  char* target = task.target->memory.data() + task.begin * static_cast<int64_t>(panel_bytes(source.storage, source.in));
  pack_panels(source.storage, stored, rows, source.in, target, 0, static_cast<int>(task.end - task.begin));
}

void load_task(const Task& task, std::vector<char>& scratch, Control& control) {
  const WeightSource& source = *task.source;
  std::vector<char> aligned;
  const bool vector = source.out == 0;
  const int64_t first = vector ? task.begin : task.begin * kPanelRows;
  const int64_t last = vector ? task.end : std::min<int64_t>(task.end * kPanelRows, source.out);
  const auto bytes = [&](int64_t count) { return vector ? row_bytes(source.storage, static_cast<int>(count)) : count * source.row_bytes(); };
  const char* stored = fetch(task, bytes(first), bytes(last - first), scratch);
  if (vector) load_vector(task, stored);
  else load_panels(task, stored, static_cast<int>(last - first), aligned);
  control.advance(bytes(last - first));
}

void add_tasks(const WeightSource& source, const WeightFile* file, Weight& target, std::vector<Task>& tasks) {
  const int64_t items = source.out == 0 ? source.in : panel_count(source.out);
  const int64_t item_bytes = std::max<int64_t>(1, source.byte_length() / items);
  const bool whole = source.out == 0 && is_quantised(source.storage);
  const int64_t step = whole ? items : std::max<int64_t>(1, kTaskBytes / item_bytes);
  for (int64_t begin = 0; begin < items; begin += step) tasks.push_back({&source, file, &target, begin, std::min(begin + step, items)});
}

Weight allocate(const WeightSource& source) {
  const bool vector = source.out == 0;
  return {vector ? Storage::f32 : source.storage, source.out, source.in,
          Buffer("weight " + source.name, packed_bytes(source.storage, source.out, source.in))};
}

// Runs all tasks on the pool; throws the first error that any of them met, after all threads have stopped.
void run_tasks(const std::vector<Task>& tasks, ThreadPool& pool, Control& control) {
  std::mutex mutex;
  std::exception_ptr error;
  std::atomic<bool> failed{false};
  std::atomic<size_t> next{0};
  pool.run(pool.threads(), 1, [&](int64_t, int64_t) {
    try {
      std::vector<char> scratch;
      for (size_t i = next++; i < tasks.size() && !failed; i = next++) {
        control.check();
        load_task(tasks[i], scratch, control);
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
      failed = true;
    }
  });
  if (error) std::rethrow_exception(error);
}

}  // namespace

int64_t WeightSource::row_bytes() const { return polywen::row_bytes(storage, in); }

size_t packed_bytes(Storage storage, int out, int in) {
  if (out == 0) return static_cast<size_t>(in) * sizeof(float);
  return panel_bytes(storage, in) * static_cast<size_t>(panel_count(out));
}

Weights::Weights(const std::vector<WeightSource>& sources, ThreadPool& pool, Control& control) try {
  std::map<std::string, WeightFile> files;
  for (const WeightSource& source : sources) {
    if (source.bytes) continue;
    const WeightFile& file = files.try_emplace(source.file, source.file).first->second;
    file.check(source.name, source.offset, source.byte_length());
  }
  std::vector<Task> tasks;
  for (const WeightSource& source : sources) {
    control.check();
    Weight& weight = weights_.insert_or_assign(source.name, allocate(source)).first->second;
    bytes_ += weight.memory.bytes();
    add_tasks(source, source.bytes ? nullptr : &files.at(source.file), weight, tasks);
  }
  run_tasks(tasks, pool, control);
} catch (const std::bad_alloc&) {
  throw out_of_memory("loading weights", static_cast<double>(kTaskBytes));
}

void Weights::take(Weights& other) {
  weights_.merge(other.weights_);
  bytes_ += other.bytes_;
  other.bytes_ = 0;
}

const Weight* Weights::find(const std::string& name) const {
  const auto found = weights_.find(name);
  return found == weights_.end() ? nullptr : &found->second;
}

}  // namespace polywen
