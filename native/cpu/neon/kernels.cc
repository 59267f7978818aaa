#include "kernels.h"

#include "../generic/kernels.h"

namespace polywen {

const Kernels* neon_kernels() {
#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
  // Embedding and gather copy rows: the portable ones are as fast as memory. So are rotary embedding
  // and exponentials in double, two to a register, beside the matrices.
  static constexpr Kernels table = {
      "neon",         neon::linear,     neon::quantise,  generic::embedding, generic::gather,
      neon::rms_norm, neon::layer_norm, generic::rotary, neon::activation,
      neon::add,      neon::multiply,   neon::swiglu,    neon::attention,
      generic::sum_of_exponentials,
  };
  return &table;
#else
  return nullptr;
#endif
}

}  // namespace polywen
