// How digests are written.
#pragma once

#include <cstdint>
#include <string>

namespace intvit {

// 16 lower-case hexadecimal digits.
std::string hex64(std::uint64_t value);

}  // namespace intvit
