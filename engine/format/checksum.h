// XXH64 (Yann Collet's xxHash, 64-bit variant, from its published specification): the checksum of every section of a
// model file and the digest of logits. Not cryptographic: it finds damage, not forgery.
#pragma once

#include <cstdint>
#include <span>

namespace intvit {

std::uint64_t checksum64(std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);

}  // namespace intvit
