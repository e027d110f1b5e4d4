// Pieces of messages. Names and values from a file are quoted in them, and a message is one short line whatever the
// file says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace intvit {

// In quotes, without control characters, at most 100 bytes.
std::string in_quotes(std::string_view text);

// [3, 16, 16]
std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace intvit
