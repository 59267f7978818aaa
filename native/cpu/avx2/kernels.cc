#include "kernels.h"

#include "../generic/kernels.h"

namespace polywen {

const Kernels* avx2_kernels() {
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
  // Embedding and gather copy rows: the portable ones are as fast as memory.
  static constexpr Kernels table = {
      "avx2",         avx2::linear,     avx2::quantise,   generic::embedding, generic::gather,
      avx2::rms_norm, avx2::layer_norm, avx2::rotary,       avx2::activation,
      avx2::add,      avx2::multiply,   avx2::swiglu,       avx2::attention,
      avx2::sum_of_exponentials,
      avx2::peak_int8,  avx2::peak_float,
  };
  return &table;
#else
  return nullptr;
#endif
}

}  // namespace polywen
