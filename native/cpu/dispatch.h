// Chooses the instruction tier.
#pragma once
#include <string>

#include "kernels.h"

namespace polywen {

// The kernels of the named tier, or of the best one for an empty name. Throws UNSUPPORTED for a tier that this
// machine or this build lacks.
const Kernels& select_kernels(const std::string& tier);

}  // namespace polywen
