#include "dispatch.h"

#include <vector>

#include "error.h"

namespace polywen {
namespace {

const Kernels* usable_avx2() {
#if defined(__x86_64__)
  const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return supported ? avx2_kernels() : nullptr;
#else
  return nullptr;
#endif
}

// The tiers that run here, best first.
std::vector<const Kernels*> usable_tiers() {
  std::vector<const Kernels*> tiers;
  if (const Kernels* avx2 = usable_avx2()) tiers.push_back(avx2);
  tiers.push_back(&generic_kernels());
  return tiers;
}

}  // namespace

const Kernels& select_kernels(const std::string& tier) {
  const std::vector<const Kernels*> tiers = usable_tiers();
  if (tier.empty()) return *tiers.front();
  for (const Kernels* kernels : tiers) {
    if (tier == kernels->tier) return *kernels;
  }
  throw Error("UNSUPPORTED", {{"feature", "instruction tier " + tier + " on this machine"}});
}

}  // namespace polywen
