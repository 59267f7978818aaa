#include "kernels.h"

#include "../avx2/kernels.h"
#include "../generic/kernels.h"
#include "tier.h"

namespace polywen {

const Kernels* avx512_kernels() {
#ifdef POLYWEN_HAS_AVX512
  // Norms and rotary embedding compute in double and are few beside the matrices: wider registers would not be felt.
  static constexpr Kernels table = {
      "avx512",       avx512::linear,   avx512::quantise, generic::embedding, generic::gather,
      avx2::rms_norm, avx2::layer_norm, avx2::rotary,     avx512::activation,
      avx512::add,    avx512::multiply, avx512::swiglu,   avx512::attention,
      avx512::sum_of_exponentials,
#ifndef POLYWEN_EMULATE_AVX512
      avx512::peak_int8, avx512::peak_float,
#endif
  };
  return &table;
#else
  return nullptr;
#endif
}

}  // namespace polywen
