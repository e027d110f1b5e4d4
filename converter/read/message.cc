#include "converter/read/message.h"

#include <algorithm>

namespace intvit {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  std::string out = "'";
  for (const char c : text.substr(0, kLongest)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > kLongest) out += "...";
  return out + "'";
}

std::string shape_text(std::span<const std::int64_t> shape) {
  constexpr std::size_t kMostDims = 8;
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(shape.size(), kMostDims); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(shape[i]);
  }
  return out + (shape.size() > kMostDims ? ", ...]" : "]");
}

}  // namespace intvit
