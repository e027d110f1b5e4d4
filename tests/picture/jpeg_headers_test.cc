// Headers of JPEG files, each wrong in one place. A grey picture of 16 x 16 pixels, whose codes have one bit, is the
// one that is right: a flat block is two bits.
#include <doctest/doctest.h>

#include "tests/picture/wrong_picture.h"

namespace intvit::test {
namespace {

Bytes segment(std::uint8_t marker, const Bytes& content, int length_off_by = 0) {
  const int length = static_cast<int>(content.size()) + 2 + length_off_by;
  return joined({{0xff, marker, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)}, content});
}

const Bytes kBegin = {0xff, 0xd8}, kEnd = {0xff, 0xd9};

Bytes quantization(std::uint8_t precision_and_id = 0) {
  return segment(0xdb, joined({{precision_and_id}, Bytes((precision_and_id >> 4) != 0 ? 128 : 64, 1)}));
}

// One code of one bit, which stands for 0.
Bytes huffman(std::uint8_t class_and_id) {
  Bytes table(18, 0);
  table[0] = class_and_id;
  table[1] = 1;
  return segment(0xc4, table);
}

// Sampled 2 x 2, which means nothing for a single component.
const Bytes kFrame = {8, 0, 16, 0, 16, 1, 1, 0x22, 0};
const Bytes kScan = {1, 1, 0, 0, 63, 0};
const Bytes kData = {0};  // two bits for each of four blocks

Bytes frame(const Bytes& content = kFrame) { return segment(0xc0, content); }
Bytes scan(const Bytes& content = kScan) { return segment(0xda, content); }
Bytes tables() { return joined({quantization(), huffman(0), huffman(0x10)}); }

// kFrame or kScan with another byte.
Bytes with(Bytes content, std::size_t at, std::uint8_t value) {
  content[at] = value;
  return content;
}

Bytes behind_begin(const Bytes& something) {
  return joined({kBegin, something, tables(), frame(), scan(), kData, kEnd});
}
Bytes with_frame(const Bytes& frames) { return joined({kBegin, tables(), frames, scan(), kData, kEnd}); }
Bytes with_scan(const Bytes& content) { return joined({kBegin, tables(), frame(), scan(content), kData, kEnd}); }

TEST_CASE("JPEG: a flat picture of the least data that a picture can have is read") {
  const Result<Picture> picture = decode_picture(behind_begin({}), "flat");
  INFO(picture.status().message());
  REQUIRE(picture.ok());
  CHECK(picture.value().rgb == Bytes(16 * 16 * 3, 128));
  check_wrong({"a fill byte", behind_begin({0xff}), nullptr, nullptr});
}

TEST_CASE("JPEG: segments that are wrong are refused, each for its reason") {
  constexpr const char* kTable = "a Huffman table is impossible";
  constexpr const char* kQuantization = "a quantization table is impossible";
  Bytes many(17 + 510, 0);
  many[15] = many[16] = 255;
  for (const WrongPicture& wrong : {
           WrongPicture{"two beginnings", behind_begin(kBegin), "SOI", "begins twice"},
           {"a length of 0", behind_begin({0xff, 0xe2, 0, 0}), nullptr, "impossible length"},
           {"a length of 0 before EXIF", behind_begin({0xff, 0xe1, 0, 0}), "marker length", "impossible length"},
           {"a length of 1 before EXIF", behind_begin({0xff, 0xe1, 0, 1}), "marker length", "impossible length"},
           {"an interval of three bytes", behind_begin(segment(0xdd, {0, 0, 0})), "marker length", "restart interval"},
           {"a marker of lossless pictures", with_frame(segment(0xc3, kFrame)), "lossless", "lossless"},
           {"a Huffman table of class 2", behind_begin(huffman(0x20)), "", kTable},
           {"a Huffman table 4", behind_begin(huffman(4)), "", kTable},
           {"a Huffman table of 510 codes", behind_begin(segment(0xc4, many)), "Huffman table", kTable},
           {"a Huffman table of 16 bytes", behind_begin(segment(0xc4, Bytes(16, 0))), "", kTable},
           {"a Huffman table of class 2 without codes", behind_begin(segment(0xc4, joined({{0x20}, Bytes(16, 0)}))), "",
            kTable},
           {"quantization of precision 2", behind_begin(quantization(0x20)), nullptr, kQuantization},
           {"a quantization table 4", behind_begin(quantization(4)), "DQT", kQuantization},
           {"a restart before any scan", behind_begin({0xff, 0xd0}), nullptr, "damaged: Corrupt JPEG"},
           {"a marker of arithmetic coding alone", behind_begin({0xff, 0x01}), nullptr, "damaged: Corrupt JPEG"},
           {"nothing but the ends", joined({kBegin, {0xff, 0xe2, 0, 2}, kEnd}), "", "no frame header"},
       }) {
    check_wrong(wrong);
  }
}

TEST_CASE("JPEG: frame headers that are wrong are refused, each for its reason") {
  constexpr const char* kWrong = "its frame header is wrong";
  for (const WrongPicture& wrong : {
           WrongPicture{"two frames", with_frame(joined({frame(), frame()})), "SOF", kWrong},
           {"a frame of five bytes, at the end", joined({kBegin, segment(0xc0, {8, 0, 16, 0, 16})}), "", kWrong},
           {"a frame of a byte more", with_frame(frame(joined({kFrame, {0}}))), "marker length", kWrong},
           {"two components", with_frame(frame({8, 0, 16, 0, 16, 2, 1, 0x11, 0, 2, 0x11, 0})),
            "2 components; 1, 3 and 4", "2 components; this build reads 1 and 3"},
           {"no columns of samples", with_frame(frame(with(kFrame, 7, 0x02))), "sampling", kWrong},
           {"five columns of samples", with_frame(frame(with(kFrame, 7, 0x52))), "sampling", kWrong},
           {"no rows of samples", with_frame(frame(with(kFrame, 7, 0x20))), "sampling", kWrong},
           {"five rows of samples", with_frame(frame(with(kFrame, 7, 0x25))), "sampling", kWrong},
           {"a quantization table 4 in use", with_frame(frame(with(kFrame, 8, 4))), "not defined", kWrong},
       }) {
    check_wrong(wrong);
  }
}

// Where there are no tables, libjpeg-turbo takes the usual ones, whose codes are longer.
TEST_CASE("JPEG: scans that are wrong are refused, each for its reason") {
  constexpr const char* kWrong = "a scan header is wrong";
  constexpr const char* kMissing = "a scan uses tables or components that are not there";
  const Bytes dc = huffman(0), ac = huffman(0x10);
  for (const WrongPicture& wrong : {
           WrongPicture{"a scan before the frame", with_frame(joined({scan(), frame()})), "SOS before", kMissing},
           {"no quantization", joined({kBegin, dc, ac, frame(), scan(), kData, kEnd}), "not defined", kMissing},
           {"no DC table", joined({kBegin, quantization(), ac, frame(), scan(), kData, kEnd}), "premature end",
            kMissing},
           {"no AC table", joined({kBegin, quantization(), dc, frame(), scan(), kData, kEnd}), "premature end",
            kMissing},
           {"a DC table 4", with_scan(with(kScan, 2, 0x40)), "Huffman table", kMissing},
           {"an AC table 4", with_scan(with(kScan, 2, 0x04)), "Huffman table", kMissing},
           {"a component that is not there", with_scan(with(kScan, 1, 9)), "component ID", kMissing},
           {"a component twice", with_scan({2, 1, 0, 1, 0, 0, 63, 0}), "component ID", kMissing},
           {"a scan of no bytes", with_scan({}), "", kWrong},
           {"a scan of a byte more", with_scan(joined({kScan, {0}})), "marker length", kWrong},
           {"a scan of no components", with_scan({0, 0, 63, 0}), "", kWrong},
       }) {
    check_wrong(wrong);
  }
}

TEST_CASE("JPEG: restart markers in another order are missing ones to stb_image") {
  const Bytes every = segment(0xdd, {0, 2}), two = {0x0f, 0xff};
  const auto file = [&](std::uint8_t marker) {
    return joined({kBegin, every, tables(), frame(), scan(), {0x0f}, {0xff, marker}, {0x0f}, kEnd});
  };
  check_wrong({"restarts", file(0xd0), nullptr, nullptr});
  check_wrong({"another restart", file(0xd5), nullptr, "a restart marker is missing"});
}

TEST_CASE("JPEG: the first EXIF counts") {
  const auto exif = [](std::uint8_t orientation) {
    return segment(0xe1, {'E', 'x', 'i',  'f', 0, 0, 'I', 'I', 42, 0, 8,           0, 0, 0,
                          1,   0,   0x12, 1,   3, 0, 1,   0,   0,  0, orientation, 0, 0, 0});
  };
  const Bytes file = behind_begin(joined({exif(6), exif(3)}));
  const auto reader = PictureReader::from_memory(file, "two EXIF segments");
  REQUIRE(reader.ok());
  CHECK(reader.value()->remarks().orientation == 6);
}

}  // namespace
}  // namespace intvit::test
