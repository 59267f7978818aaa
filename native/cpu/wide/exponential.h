#pragma once

namespace polywen {
namespace {

// e^x within 2 ulp, subnormal results, infinities and NaN included: x = n ln 2 + r, e^r by its Taylor polynomial of
// degree 7 (error below 2^-27 for |r| <= ln 2 / 2), and 2^n in two factors because n reaches past normal exponents.
inline Floats exponential(Floats x) {
  x = minimum(broadcast(89.0f), maximum(broadcast(-105.0f), x));  // NaN stays: it is the second operand
  const Floats n = rounded(x * broadcast(1.44269504f));
  Floats r = subtract_product(n, broadcast(0.693145752f), x);  // ln 2 in two parts, the first with few bits
  r = subtract_product(n, broadcast(1.42860677e-6f), r);
  Floats p = broadcast(1.0f / 5040);
  p = multiply_add(p, r, broadcast(1.0f / 720));
  p = multiply_add(p, r, broadcast(1.0f / 120));
  p = multiply_add(p, r, broadcast(1.0f / 24));
  p = multiply_add(p, r, broadcast(1.0f / 6));
  p = multiply_add(p, r, broadcast(0.5f));
  p = multiply_add(p, r, broadcast(1.0f));
  p = multiply_add(p, r, broadcast(1.0f));
  const Integers exponent = to_integers(n), half = half_of(exponent);
  return p * power_of_two(half) * power_of_two(exponent - half);
}

}  // namespace
}  // namespace polywen
