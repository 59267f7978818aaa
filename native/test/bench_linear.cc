// Speed of the linear kernels beside what the machine can do: the rate of fused multiply-adds in registers and of plain
// reads from memory. Other work may share the machine: time is that of the threads on their cores, and the best of many
// short runs counts.
//   bench_linear [threads [storage [in out]]]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "../cpu/kernels.h"
#include "../cpu/pack.h"

using namespace polywen;

namespace {

int threads = 1;

constexpr std::pair<Storage, const char*> kStorages[] = {
    {Storage::bf16, "bf16"}, {Storage::f16, "f16"}, {Storage::f32, "f32"}, {Storage::q4_0, "q4_0"}, {Storage::q4_1, "q4_1"},
    {Storage::q5_0, "q5_0"}, {Storage::q5_1, "q5_1"}, {Storage::q8_0, "q8_0"}, {Storage::iq4_nl, "iq4_nl"}, {Storage::mxfp4, "mxfp4"},
    {Storage::q2_k, "q2_k"}, {Storage::q3_k, "q3_k"}, {Storage::q4_k, "q4_k"}, {Storage::q5_k, "q5_k"}, {Storage::q6_k, "q6_k"}, {Storage::q4_z, "q4_z"}};

double thread_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// Runs work(thread, repeat) for all threads side by side; the time of a repeat on the slowest one.
double seconds(int repeats, const std::function<void(int thread, int repeat)>& work) {
  std::atomic<int> ready{0};
  std::vector<double> times(threads);
  const auto loop = [&](int thread) {
    ready++;
    while (ready < threads) {}
    const double start = thread_seconds();
    for (int repeat = 0; repeat < repeats; repeat++) work(thread, repeat);
    times[thread] = thread_seconds() - start;
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; thread++) others.emplace_back(loop, thread);
  loop(0);
  for (std::thread& other : others) other.join();
  return *std::max_element(times.begin(), times.end()) / repeats;
}

double best(int runs, int repeats, const std::function<void(int, int)>& work) {
  double least = 1e9;
  for (int run = 0; run < runs; run++) least = std::min(least, seconds(repeats, work));
  return least;
}

using Lanes = float __attribute__((vector_size(32)));

#if defined(__x86_64__)
// Twelve independent chains, the most a tile of the kernels has; without AVX2 there is nothing to compare with.
__attribute__((target("avx2,fma"))) void multiply_in_registers(int steps, float* sink) {
  Lanes a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{}, a10{}, a11{};
  Lanes x = {1, 1, 1, 1, 1, 1, 1, 1};
  for (int step = 0; step < steps; step++) {
    asm volatile(
        "vfmadd231ps %12, %12, %0\n vfmadd231ps %12, %12, %1\n vfmadd231ps %12, %12, %2\n vfmadd231ps %12, %12, %3\n"
        "vfmadd231ps %12, %12, %4\n vfmadd231ps %12, %12, %5\n vfmadd231ps %12, %12, %6\n vfmadd231ps %12, %12, %7\n"
        "vfmadd231ps %12, %12, %8\n vfmadd231ps %12, %12, %9\n vfmadd231ps %12, %12, %10\n vfmadd231ps %12, %12, %11\n"
        : "+x"(a0), "+x"(a1), "+x"(a2), "+x"(a3), "+x"(a4), "+x"(a5), "+x"(a6), "+x"(a7), "+x"(a8), "+x"(a9), "+x"(a10), "+x"(a11)
        : "x"(x));
  }
  const Lanes sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
  memcpy(sink, &sum, sizeof sum);
}
#endif

int in = 896, out = 4864;
constexpr size_t memory = size_t{256} << 20;  // more than any last-level cache keeps

void* allocate(size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!memory) abort();
  return memory;
}

double read_rate(const char* data) {
  const size_t share = memory / threads / 64 * 64;
  std::atomic<uint64_t> sink{0};
  const double time = best(10, 1, [&](int thread, int) {
    const auto* words = reinterpret_cast<const uint64_t*>(data + thread * share);
    uint64_t sums[8] = {};
    for (size_t i = 0; i < share / 8; i += 8) {
      __builtin_prefetch(words + i + 256);
      for (int j = 0; j < 8; j++) sums[j] += words[i + j];
    }
    for (uint64_t sum : sums) sink += sum;
  });
  return share * threads / time / 1e9;
}

void measure(const Kernels& kernels, Storage storage, const char* name, char* data, double peak, double read) {
  const size_t bytes = panel_bytes(storage, in) * panel_count(out);
  const int copies = static_cast<int>(memory / bytes);
  const int panels = panel_count(out);
  for (int rows : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 96, 256, 512}) {
    std::vector<float> input(static_cast<size_t>(rows) * in, 0.5f), output(static_cast<size_t>(rows) * out), bias(out);
    std::vector<InputBlock> blocks(static_cast<size_t>(rows) * ((in + kLinearBlock - 1) / kLinearBlock));
    kernels.quantise({input.data(), rows, in, blocks.data()}, 0, rows);
    const int repeats = rows > 16 ? 2 : copies;  // a new copy of the weights each time: none is in a cache
    const double time = best(rows > 16 ? 20 : 5, repeats, [&](int thread, int repeat) {
      const LinearArgs args = {input.data(), rows, {storage, out, in, data + static_cast<size_t>(repeat % copies) * bytes}, bias.data(), output.data(),
                               {is_quantised(storage) ? blocks.data() : nullptr, rows}};
      kernels.linear(args, panels * thread / threads, panels * (thread + 1) / threads);
    });
    const double rate = 2.0 * rows * in * out / time / 1e9, flow = bytes / time / 1e9;
    printf("%-8s %-5s %4d rows %9.1f us %8.1f GFLOP/s (%3.0f %%) %6.1f GB/s (%3.0f %%)\n", kernels.tier, name, rows, time * 1e6, rate,
           100 * rate / peak, flow, 100 * flow / read);
  }
}

}  // namespace

int main(int count, char** arguments) {
  threads = count > 1 ? std::max(1, atoi(arguments[1])) : 1;
  double peak = 1;
  const bool avx2 = avx2_kernels() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#if defined(__x86_64__)
  if (avx2) {
    float sinks[64][8];
    constexpr int steps = 1000000;
    peak = threads * steps * 12 * 16.0 / best(20, 1, [&](int thread, int) { multiply_in_registers(steps, sinks[thread % 64]); }) / 1e9;
  }
#endif
  char* data = static_cast<char*>(allocate(memory));
  for (size_t i = 0; i < memory / 4; i++) reinterpret_cast<uint32_t*>(data)[i] = 0x3c003c00;  // small and normal in every storage
  const double read = read_rate(data);
  printf("%d thread(s): %.1f GFLOP/s in registers, %.1f GB/s read\n", threads, peak, read);
  const Kernels& kernels = avx2 ? *avx2_kernels() : generic_kernels();
  if (count > 4) in = atoi(arguments[3]), out = atoi(arguments[4]);
  for (const auto& [storage, name] : kStorages) {
    if (count <= 2 || strcmp(arguments[2], name) == 0) measure(kernels, storage, name, data, peak, read);
  }
}
