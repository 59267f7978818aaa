#include "kernels.h"

namespace polywen {

const Kernels& generic_kernels() {
  static constexpr Kernels table = {
      "generic",        generic::linear,     generic::quantise,   generic::embedding,  generic::gather,
      generic::rms_norm, generic::layer_norm, generic::rotary,     generic::activation,
      generic::add,     generic::multiply,   generic::swiglu,     generic::attention,
      generic::sum_of_exponentials,
  };
  return table;
}

}  // namespace polywen
