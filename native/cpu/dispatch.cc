#include "dispatch.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "error.h"

namespace polywen {
namespace {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"); }

bool has_avx512() {
#ifdef POLYWEN_EMULATE_AVX512  // its instructions are those of AVX2 then
  return has_avx2();
#else
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
#endif
}
#endif

#if defined(__aarch64__)
bool has_dot_products() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return true;  // every processor of Apple's that runs macOS
#endif
}
#endif

}  // namespace

std::vector<const Kernels*> usable_tiers() {
  std::vector<const Kernels*> tiers;
  const auto add = [&](const Kernels* kernels, bool usable) {
    if (kernels != nullptr && usable) tiers.push_back(kernels);
  };
#if defined(__x86_64__)
  add(avx512_kernels(), has_avx512());
  add(avx2_kernels(), has_avx2());
#elif defined(__aarch64__)
  add(neon_kernels(), has_dot_products());
#endif
  add(&generic_kernels(), true);
  return tiers;
}

const Kernels& select_kernels(const std::string& tier) {
  const std::vector<const Kernels*> tiers = usable_tiers();
  if (tier.empty()) return *tiers.front();
  for (const Kernels* kernels : tiers) {
    if (tier == kernels->tier) return *kernels;
  }
  throw Error("UNSUPPORTED", {{"feature", "instruction tier " + tier + " on this machine"}});
}

}  // namespace polywen
