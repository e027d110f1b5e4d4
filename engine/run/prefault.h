// Memory that is about to be written, mapped in one call instead of by a fault for each page, which in a virtual
// machine is dear. Only a hint: where the kernel knows no such call (before Linux 5.14), or has not enough memory,
// nothing happens.
#pragma once

#include <cstdint>
#include <span>

namespace intvit {

void prefault(std::span<std::uint8_t> bytes);

}  // namespace intvit
