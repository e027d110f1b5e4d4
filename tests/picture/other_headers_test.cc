// Headers of BMP, PNG, PNM and WebP files, each wrong in one place, and EXIF.
#include <doctest/doctest.h>

#include <span>

#include "picture/exif.h"
#include "tests/picture/wrong_picture.h"

namespace intvit::test {
namespace {

// The golden picture `name` with these bytes from `at` on.
Bytes changed(const char* name, std::size_t at, const Bytes& bytes) {
  Bytes file = read_bytes(golden(name));
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

TEST_CASE("BMP: headers that are wrong are refused, each for its reason") {
  const auto check = [](const char* name, const Bytes& file, const char* reason) {
    check_wrong({name, file, reason, reason});
  };
  check("a header of 39 bytes", changed("rgb.bmp", 14, {39}), "a BMP whose header has 39 bytes");
  check("run lengths of 8 bits", changed("palette.bmp", 30, {1}), "run lengths");
  check("run lengths of 4 bits", changed("palette_4.bmp", 30, {2}), "run lengths");
  check("a JPEG within", changed("rgb.bmp", 30, {4}), "compression 4");
  check("two bits", changed("palette_4.bmp", 28, {2}), "2 bits per pixel");
  check("no rows", changed("rgb.bmp", 22, {0}), "37 x 0 pixels");
  check("no columns", changed("rgb.bmp", 18, {0}), "0 x 21 pixels");
  check("65536 columns", changed("rgb.bmp", 18, {0, 0, 1}), "65536 x 21 pixels; edges are 1..65535");
  check("65536 rows", changed("rgb.bmp", 22, {0, 0, 1}), "37 x 65536 pixels; edges are 1..65535");
  check("masks of 24 bits", changed("rgb.bmp", 30, {3}), "bad");
  check("pixels behind the end", changed("rgb.bmp", 13, {0xff}), "ends before its last row");
}

// The header of OS/2 has 12 bytes, and its palette three bytes a colour.
TEST_CASE("BMP: those of OS/2 are read") {
  for (const char* name : {"rgb.bmp", "palette.bmp"}) {
    CAPTURE(name);
    const Bytes file = read_bytes(golden(name));
    const Picture expected = read_picture(golden(name).string()).take();
    const bool has_palette = file[28] == 8;
    const std::uint8_t bits = file[28];
    Bytes old(file.begin(), file.begin() + 10);
    const std::size_t pixels = file[10] | file[11] << 8, moved = 26 + (has_palette ? 256 * 3 : 0);
    old.insert(old.end(), {static_cast<std::uint8_t>(moved), static_cast<std::uint8_t>(moved >> 8), 0, 0, 12, 0, 0, 0,
                           37, 0, 21, 0, 1, 0, bits, 0});
    for (std::size_t i = 54; i < pixels; ++i) {
      if ((i - 54) % 4 != 3) old.push_back(file[i]);
    }
    old.insert(old.end(), file.begin() + static_cast<std::ptrdiff_t>(pixels), file.end());
    const Result<Picture> picture = decode_picture(old, name);
    INFO(picture.status().message());
    REQUIRE(picture.ok());
    CHECK(picture.value().rgb == expected.rgb);
  }
}

TEST_CASE("PNM: a header without its last number is cut off or wrong") {
  for (const char* text : {"P5 1 1 x", "P5 1 1", "P5 1 x", "P5 x", "P5 1 1 255"}) {
    const std::string file = text;
    check_wrong({text, Bytes(file.begin(), file.end()), "cut off or wrong", "cut off or wrong"});
  }
  check_wrong({"P5 1 1 255.", {'P', '5', ' ', '1', ' ', '1', ' ', '2', '5', '5', '.', 7, 7}, "last row", "last row"});
}

std::uint32_t crc32(const Bytes& bytes) {
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

Bytes big_endian(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

Bytes chunk(std::string_view name, const Bytes& data) {
  const Bytes named = joined({Bytes(name.begin(), name.end()), data});
  return joined({big_endian(static_cast<std::uint32_t>(data.size())), named, big_endian(crc32(named))});
}

// A picture of one pixel; the last five are its bits, colour, compression, filter and interlacing.
Bytes header(const Bytes& last) { return chunk("IHDR", joined({{0, 0, 0, 1, 0, 0, 0, 1}, last})); }

// `rows` and no compression; the checksum is that of Adler.
Bytes data(const Bytes& rows) {
  std::uint32_t a = 1, b = 0;
  for (const std::uint8_t byte : rows) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  const auto size = static_cast<std::uint16_t>(rows.size());
  const auto low = static_cast<std::uint8_t>(size), high = static_cast<std::uint8_t>(size >> 8);
  return joined({{0x78, 1, 1, low, high, static_cast<std::uint8_t>(~low), static_cast<std::uint8_t>(~high)},
                 rows,
                 big_endian(b << 16 | a)});
}

const Bytes kGrey = {8, 0, 0, 0, 0};

Bytes png(const Bytes& chunks) {
  return joined({{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, chunks, chunk("IEND", {})});
}
Bytes png(const Bytes& last, const Bytes& rows) { return png(joined({header(last), chunk("IDAT", data(rows))})); }

TEST_CASE("PNG: headers that are wrong are refused, each for its reason") {
  CHECK(decode_picture(png(kGrey, {0, 99}), "grey").take().rgb == Bytes(3, 99));
  const Bytes pixel = chunk("IDAT", data({0, 99})), first = header(kGrey);
  constexpr const char* kWrong = "its header is wrong";
  constexpr const char* kOrder = "its header is not its first chunk";
  for (const WrongPicture& wrong : {
           WrongPicture{"3 bits", png({3, 0, 0, 0, 0}, {0, 99}), "IHDR", kWrong},
           {"colours of 4 bits", png({4, 2, 0, 0, 0}, {0, 9, 9, 9}), "IHDR", kWrong},
           {"a palette of 16 bits", png({16, 3, 0, 0, 0}, {0, 9, 9}), "IHDR", kWrong},
           {"colour 1", png({8, 1, 0, 0, 0}, {0, 99}), "IHDR", kWrong},
           {"colour 5", png({8, 5, 0, 0, 0}, {0, 99}), "IHDR", kWrong},
           {"another compression", png({8, 0, 1, 0, 0}, {0, 99}), "IHDR", kWrong},
           {"another filter", png({8, 0, 0, 1, 0}, {0, 99}), "IHDR", kWrong},
           {"another interlacing", png({8, 0, 0, 0, 2}, {0, 99}), "IHDR", kWrong},
           {"a header of 12 bytes", png(joined({header({8, 0, 0, 0}), pixel})), "invalid", "header has a wrong length"},
           {"a header of 14 bytes", png(joined({header({8, 0, 0, 0, 0, 0}), pixel})), "invalid",
            "header has a wrong length"},
           {"data first", png(joined({pixel, first})), "IHDR", kOrder},
           {"two headers", png(joined({first, first, pixel})), "out of place", kOrder},
       }) {
    check_wrong(wrong);
  }
}

TEST_CASE("PNG: chunks that are wrong are refused by stb_image's reader, each for its reason") {
  const Bytes pixel = chunk("IDAT", data({0, 0})), first = header({8, 3, 0, 0, 0});
  const Bytes palette = chunk("PLTE", {1, 2, 3});
  constexpr const char* kPlace = "its palette is not where it should be";
  constexpr const char* kLength = "its palette has a wrong length";
  Bytes half = data({0, 0});
  const Bytes rest = chunk("IDAT", Bytes(half.begin() + 4, half.end()));
  half.resize(4);
  const auto refused = [](const char* name, const Bytes& chunks, const char* stb) {
    const Result<Picture> picture = decode_picture(png(chunks), name);
    if (is_stb()) check_refused(picture, name, stb);
  };
  CHECK(decode_picture(png(joined({first, palette, pixel})), "palette").take().rgb == Bytes({1, 2, 3}));
  refused("two palettes", joined({first, palette, palette, pixel}), kPlace);
  refused("a palette behind the data", joined({header(kGrey), pixel, palette}), kPlace);
  refused("an empty palette", joined({first, chunk("PLTE", {}), pixel}), kLength);
  refused("a palette of 257 colours", joined({first, chunk("PLTE", Bytes(771, 9)), pixel}), kLength);
  refused("a third of a colour", joined({first, chunk("PLTE", Bytes(4, 9)), pixel}), kLength);
  refused("data in two places", joined({first, palette, chunk("IDAT", half), chunk("teXt", {}), rest}), "in one piece");
  refused("no data", joined({first, palette}), "it has no data");
  refused("an unknown critical chunk", joined({first, palette, chunk("ABCD", {}), pixel}), "critical chunk");
}

TEST_CASE("PNG: rows that no encoder writes are refused for every kind of colours") {
  const Bytes palette = joined({header({8, 3, 0, 0, 0}), chunk("PLTE", {1, 2, 3}), chunk("IDAT", data({5, 0}))});
  check_wrong({"filter 5 of a palette", png(palette), "filter", "Corrupt PNG"});
  check_wrong({"filter 5 of grey", png(kGrey, {5, 0}), "filter", "Corrupt PNG"});
  check_wrong({"filter 5 of grey of 16 bits", png({16, 0, 0, 0, 0}, {5, 0, 0}), "filter", "Corrupt PNG"});
  check_wrong({"filter 5 of colours", png({8, 2, 0, 0, 0}, {5, 0, 0, 0}), "filter", "Corrupt PNG"});
  Bytes long_rows(60'000, 0);
  check_wrong({"too much", png(kGrey, long_rows), "more rows", "more rows"});
  check_wrong({"too much, interlaced", png({8, 0, 0, 0, 1}, long_rows), "more rows", "more rows"});
}

TEST_CASE("EXIF: what is no orientation is none") {
  const Bytes exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  CHECK(exif_orientation(exif) == 6);
  const Bytes at_the_start = {'I', 'I', 42, 0, 0, 0, 0, 0};
  CHECK(exif_orientation(at_the_start) == 1);
  CHECK(exif_orientation(std::span(exif).first(7)) == 1);
  const auto with = [&exif](std::size_t at, std::uint8_t value) {
    Bytes other = exif;
    other[at] = value;
    return exif_orientation(other);
  };
  CHECK(with(1, 'M') == 1);
  CHECK(with(2, 43) == 1);
  CHECK(with(3, 1) == 1);
  CHECK(with(4, 21) == 1);
  CHECK(with(12, 4) == 1);
  CHECK(with(18, 0) == 1);
  CHECK(with(18, 9) == 1);
  const Bytes other_order = {'X', 'X', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};
  CHECK(exif_orientation(other_order) == 1);
  const Picture picture{2, 1, {1, 2, 3, 4, 5, 6}};
  for (const int orientation : {-1, 0, 1, 9}) CHECK(turn(picture, orientation).width == 2);
}

TEST_CASE("WebP: EXIF is found with and without its own mark, and animations are refused") {
  if (is_stb()) return;  // which reads none
  const Bytes lossy = read_bytes(golden("lossy.webp"));
  const Bytes exif = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
  const auto riff = [](std::string_view name, const Bytes& content) {
    const auto size = static_cast<std::uint8_t>(content.size());
    return joined({Bytes(name.begin(), name.end()), {size, 0, 0, 0}, content});
  };
  const auto file = [&](std::uint8_t features, const Bytes& last) {
    const Bytes extended = riff("VP8X", {features, 0, 0, 0, 36, 0, 0, 20, 0, 0});
    Bytes all =
        joined({Bytes(lossy.begin(), lossy.begin() + 12), extended, Bytes(lossy.begin() + 12, lossy.end()), last});
    const std::size_t size = all.size() - 8;
    all[4] = static_cast<std::uint8_t>(size);
    all[5] = static_cast<std::uint8_t>(size >> 8);
    return all;
  };
  const auto orientation = [](const Bytes& webp) {
    const auto reader = PictureReader::from_memory(webp, "made.webp");
    INFO(reader.status().message());
    REQUIRE(reader.ok());
    return reader.value()->remarks().orientation;
  };
  CHECK(orientation(file(8, riff("EXIF", exif))) == 6);
  CHECK(orientation(file(8, riff("EXIF", joined({{'E', 'x', 'i', 'f', 0, 0}, exif})))) == 6);
  CHECK(orientation(file(8, riff("ELSE", exif))) == 1);
  check_wrong({"an animation", file(2, {}), "an animated WebP", ""});
}

}  // namespace
}  // namespace intvit::test
