// The bytes of a .npy file and the text of a digest, which other programs read.
#include "tools/common/results/npy.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tools/common/results/digest.h"

namespace intvit {
namespace {

TEST_CASE("NpyMatrix: header as NumPy 1.0 wants it, then rows of little-endian floats") {
  NpyMatrix matrix(3);
  matrix.add_row(std::vector<float>{1, -2, 0.5f});
  matrix.add_row(std::vector<float>{0, 0, 4});
  const auto bytes = matrix.bytes();
  REQUIRE(bytes.size() == 128 + 2 * 3 * 4);
  const std::string header(bytes.begin(), bytes.begin() + 128);
  CHECK(header.substr(0, 6) == "\x93NUMPY");
  CHECK(header[6] == 1);
  CHECK(header[7] == 0);
  CHECK(header[8] + 256 * header[9] == 118);
  CHECK(header.substr(10, 63) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }    ");
  CHECK(header.back() == '\n');
  CHECK(std::vector<std::uint8_t>(bytes.begin() + 128, bytes.begin() + 136) ==
        std::vector<std::uint8_t>{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0});
}

TEST_CASE("NpyMatrix: integers, low bytes first") {
  NpyMatrix shorts(std::vector<std::size_t>{2}, NpyType::s16), words(std::vector<std::size_t>{1}, NpyType::s32);
  shorts.add_row(std::vector<std::int16_t>{-2, 0x1234});
  words.add_row(std::vector<std::int32_t>{-0x01020304});
  const auto text = [](NpyMatrix& matrix) { return std::string(matrix.bytes().begin(), matrix.bytes().end()); };
  CHECK(text(shorts).find("{'descr': '<i2', 'fortran_order': False, 'shape': (1, 2), }") == 10);
  CHECK(text(shorts).substr(128) == "\xfe\xff\x34\x12");
  CHECK(text(words).find("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1), }") == 10);
  CHECK(text(words).substr(128) == "\xfc\xfc\xfd\xfe");
}

TEST_CASE("NpyMatrix: no rows is a file too") {
  NpyMatrix matrix(1000);
  CHECK(matrix.bytes().size() == 128);
  CHECK(matrix.rows() == 0);
}

TEST_CASE("hex64: always 16 digits") {
  CHECK(hex64(0) == "0000000000000000");
  CHECK(hex64(0x0123456789abcdef) == "0123456789abcdef");
  CHECK(hex64(std::numeric_limits<std::uint64_t>::max()) == "ffffffffffffffff");
}

TEST_CASE("NpyMatrix: rows that have dimensions of their own") {
  NpyMatrix maps(std::vector<std::size_t>{14, 3, 192});
  const auto bytes = maps.bytes();
  CHECK(std::string(bytes.begin(), bytes.end()).find("'shape': (0, 14, 3, 192), }") != std::string::npos);
}

}  // namespace
}  // namespace intvit
