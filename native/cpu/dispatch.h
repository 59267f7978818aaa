// Chooses the instruction tier.
#pragma once
#include <string>
#include <vector>

#include "kernels.h"

namespace polywen {

// The tiers that this build has and this machine can run, best first.
std::vector<const Kernels*> usable_tiers();

// The kernels of the named tier, or of the best one for an empty name. Throws UNSUPPORTED for a tier that this
// machine or this build lacks.
const Kernels& select_kernels(const std::string& tier);

}  // namespace polywen
