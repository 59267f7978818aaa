// Loading weights: from memory and files, in all storages, and the ways in which files go wrong.
#include "../cpu/weights.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "check.h"

using namespace polywen;
using namespace polywen::test;

namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::vector<char>& bytes) {
    const int descriptor = mkstemp(path_);
    if (descriptor < 0 || write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) abort();
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path_); }
  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/polywen-weights-XXXXXX";
};

std::vector<char> random_bytes(size_t count) {
  std::vector<char> bytes(count);
  for (char& byte : bytes) byte = static_cast<char>(random_int(0, 256) & 0x3b);  // finite in every storage
  return bytes;
}

float stored_value(const char* bytes, Storage storage) {
  float value;
  uint16_t half;
  memcpy(&value, bytes, storage == Storage::f32 ? 4 : 2);
  memcpy(&half, bytes, 2);
  return storage == Storage::f32 ? value : storage == Storage::bf16 ? from_bf16(half) : from_f16(half);
}

void expect_weight(const Weight& weight, const char* bytes, Storage storage, const std::string& what) {
  std::vector<float> expected(static_cast<size_t>(weight.in)), actual(expected.size());
  for (int row = 0; row < std::max(1, weight.out); row++) {
    const char* start = bytes + static_cast<size_t>(row) * expected.size() * static_cast<size_t>(block_format(storage).stored_bytes);
    for (size_t i = 0; i < expected.size(); i++) expected[i] = stored_value(start + i * static_cast<size_t>(block_format(storage).stored_bytes), storage);
    if (weight.out == 0) actual.assign(weight.vector(), weight.vector() + weight.in);
    else unpack_row(weight.matrix(), row, actual.data());
    expect_same(actual, expected, what + " row " + std::to_string(row));
  }
  if (reinterpret_cast<uintptr_t>(weight.memory.data()) % 64 != 0) fail(what + " is not aligned");
}

// An odd offset, as safetensors may have; sizes above and below those of one task.
void test_contents(ThreadPool& pool, bool in_file) {
  struct Case {
    Storage storage;
    int out, in;
  };
  const std::vector<Case> cases = {{Storage::f32, 33, 70},  {Storage::bf16, 1, 1},   {Storage::f16, 16, 513}, {Storage::bf16, 3000, 700},
                                   {Storage::f32, 0, 1000}, {Storage::bf16, 0, 37}, {Storage::f16, 0, 700000}};
  std::vector<WeightSource> sources;
  int64_t size = 3;
  for (const auto& [storage, out, in] : cases) {
    sources.push_back({"weight " + std::to_string(sources.size()), storage, out, in, nullptr, "", size});
    size += sources.back().byte_length();
  }
  const std::vector<char> bytes = random_bytes(static_cast<size_t>(size));
  const TemporaryFile file(bytes);
  for (WeightSource& source : sources) {
    if (in_file) source.file = file.path();
    else source.bytes = bytes.data() + source.offset;
  }
  Control control;
  const Weights weights(sources, pool, control);
  for (const WeightSource& source : sources) expect_weight(*weights.find(source.name), bytes.data() + source.offset, source.storage, source.name);
  if (control.done() != size - 3) fail("progress does not end at the whole");
  if (weights.find("absent")) fail("an absent weight was found");
}

std::string code_of(const WeightSource& source, ThreadPool& pool, Control& control) {
  try {
    const Weights weights({source}, pool, control);
    return "none";
  } catch (const Error& error) {
    return error.code();
  }
}

void expect_error(const WeightSource& source, ThreadPool& pool, const std::string& code) {
  Control control;
  const std::string actual = code_of(source, pool, control);
  if (actual != code) fail("error " + actual + " instead of " + code);
}

void test_errors(ThreadPool& pool) {
  const TemporaryFile file(random_bytes(1000));
  const WeightSource fits = {"weight", Storage::f32, 25, 10, nullptr, file.path(), 0};
  WeightSource source = fits;
  expect_error(source, pool, "none");
  source.offset = 1;
  expect_error(source, pool, "FILE_INVALID");
  source.offset = INT64_MAX;
  expect_error(source, pool, "FILE_INVALID");
  source = fits;
  source.file = "/nonexistent/weights";
  expect_error(source, pool, "NOT_FOUND");
  source.file = "/tmp";
  expect_error(source, pool, "FILE_INVALID");
  Control aborted;
  aborted.abort();
  if (code_of(fits, pool, aborted) != "ABORTED") fail("an aborted load went on");
}

}  // namespace

int main() {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    test_contents(pool, true);
    test_contents(pool, false);
    test_errors(pool);
  }
  return failures ? 1 : 0;
}
