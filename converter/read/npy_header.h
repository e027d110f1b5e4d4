// The header of a .npy file, format 1.0 to 3.0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace intvit {

struct NpyHeader {
  std::string_view type;  // of elements, as NumPy spells it: '<f4' is a little-endian float32
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Takes the text of the header off the front of a file's bytes. Nothing if there is no such header.
std::optional<std::string_view> take_npy_header(std::span<const std::uint8_t>& bytes);

// Nothing if NumPy would not write that.
std::optional<NpyHeader> parse_npy_header(std::string_view text);

}  // namespace intvit
