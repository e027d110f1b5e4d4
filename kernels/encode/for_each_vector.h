// Whole vectors that cover a row of at least one vector: the last one ends where the row ends, so that it may do some
// elements twice. That is right where source and result are different memory.
#pragma once

namespace intvit::kernels {
namespace {

template <typename Simd, typename Body>
void for_each_vector(int columns, Body&& body) {
  int c = 0;
  for (; c + Simd::kLanes16 <= columns; c += Simd::kLanes16) body(c);
  if (c < columns) body(columns - Simd::kLanes16);
}

}  // namespace
}  // namespace intvit::kernels
