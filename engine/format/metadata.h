// Metadata <-> bytes of the metadata section.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "intvit/model.h"

namespace intvit {

std::vector<std::uint8_t> encode_metadata(const Metadata& metadata);
Result<Metadata> decode_metadata(std::span<const std::uint8_t> bytes);

}  // namespace intvit
