// Tables that are too long for registers.
#pragma once

#include <cstdint>

namespace intvit::kernels {
namespace {

// numbers[i] = entries[numbers[i]], numbers taken as unsigned. Many at a time, since vectors that are written before
// and read afterwards are then not waited for. In turn and not by gathering, which is no faster here, and much slower
// where microcode had to be corrected.
[[maybe_unused]] inline void look_up_in_memory(const std::int16_t* __restrict entries, std::int16_t* __restrict numbers,
                                               int count) noexcept {
#pragma GCC unroll 8
  for (int i = 0; i < count; ++i) {
    std::uint32_t number = static_cast<std::uint16_t>(numbers[i]);
    asm("" : "+r"(number));  // else gcc 12 loads vectors and takes them apart
    numbers[i] = entries[number];
  }
}

}  // namespace
}  // namespace intvit::kernels
