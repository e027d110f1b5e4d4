// A short name for a row of integer logits: equal digests mean equal logits, on any CPU, with any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace intvit {

// XXH64 of the logits as little-endian bytes.
std::uint64_t logits_digest(std::span<const std::int32_t> logits);

// 16 lower-case hexadecimal digits.
std::string hex64(std::uint64_t value);

}  // namespace intvit
