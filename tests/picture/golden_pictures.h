// What the tests of pictures have in common.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/picture.h"

namespace intvit::test {

using Bytes = std::vector<std::uint8_t>;

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(INTVIT_GOLDEN_DIR) / "pictures" / name;
}

inline bool is_stb() { return picture_decoders() == "stb_image"; }

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One line that begins with the picture's name and says `reason`.
inline void check_refused(const Result<Picture>& picture, const std::string& name, std::string_view reason) {
  CAPTURE(name);
  REQUIRE(!picture.ok());
  const std::string& message = picture.status().message();
  CAPTURE(message);
  CHECK(message.find(name + ": ") == 0);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.find(reason, name.size()) != std::string::npos);
}

}  // namespace intvit::test
