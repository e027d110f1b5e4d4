// ZIP directories, pickles and headers of .npy, each wrong in one place, and what says so.
#include <doctest/doctest.h>

#include "converter/read/npy_header.h"
#include "converter/read/tensor_pickle.h"
#include "converter/read/zip_directory.h"
#include "tests/converter/checkpoints.h"
#include "tests/converter/zip_writer.h"

namespace intvit {
namespace {

using checkpoints::contains;
using checkpoints::little;
using checkpoints::zip;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void check_zip(const std::string& file, const char* reason) {
  const auto entries = read_zip_directory(bytes_of(file), "x.zip");
  CAPTURE(reason);
  CAPTURE(entries.status().message());
  REQUIRE(!entries.ok());
  CHECK(contains(entries.status().message(), reason));
}

const std::string kEntry = little(0x02014b50, 4), kEnd64 = little(0x06064b50, 4);

// `file` with a number of `width` bytes at `offset` from the last `mark`.
std::string with(std::string file, const std::string& mark, std::size_t offset, std::uint64_t value, int width) {
  const std::size_t at = file.rfind(mark);
  REQUIRE(at != std::string::npos);
  return file.replace(at + offset, static_cast<std::size_t>(width), little(value, width));
}

// One entry of four bytes, whose sizes of 32 bits are replaced by `extra`.
std::string with_extra(const std::string& extra) {
  std::string file = zip({{"a", "abcd"}});
  file.insert(file.rfind(kEntry) + 47, extra);
  file = with(file, kEntry, 24, 0xffffffff, 4);
  file = with(file, kEntry, 30, extra.size(), 2);
  file = with(file, kEnd64, 40, 47 + extra.size(), 8);
  return with(file, little(0x07064b50, 4), 8, file.rfind(kEnd64), 8);
}

TEST_CASE("zip: directories that are wrong are refused, each for its reason") {
  const std::string good = zip({{"a", std::string(1000, 'x')}, {"b", "abcd"}});
  REQUIRE(read_zip_directory(bytes_of(good), "x.zip").ok());
  constexpr const char* kNone = "no ZIP directory";
  constexpr const char* kWrong = "entry 2 of its ZIP directory is wrong";
  constexpr const char* kOutside = "lies outside of the file";
  check_zip(good.substr(0, 21), kNone);
  check_zip("", kNone);
  check_zip(with(good, kEnd64, 0, 0, 4), kNone);
  check_zip(with(good, kEnd64, 40, 1u << 20, 8), kNone);
  check_zip(with(good, kEnd64, 32, 1u << 19, 8), "claims 524288 entries");
  check_zip(with(good, kEnd64, 32, 3, 8), "entry 3 of its ZIP directory is wrong");
  check_zip(with(good, kEntry, 0, 0, 4), kWrong);
  check_zip(with(good, kEntry, 28, 2000, 2), kWrong);
  check_zip(with(good, kEntry, 32, 1, 2), kWrong);
  check_zip(zip({{std::string(2049, 'n'), "abcd"}}), "entry 1 of its ZIP directory is wrong");
  check_zip(with(good, kEntry, 8, 1, 2), "is encrypted");
  check_zip(with(good, kEntry, 10, 9, 2), "another method than deflate");
  check_zip(with(good, little(0x04034b50, 4), 0, 0, 4), kOutside);
  check_zip(with(good, kEntry, 42, 1, 4), kOutside);
  check_zip(with(good, kEntry, 42, good.size() - 10, 4), kOutside);
  check_zip(with(good, kEntry, 20, good.size(), 4), kOutside);
  check_zip(with(good, kEntry, 24, 5, 4), "claims 5 bytes, packed 4");
  check_zip(zip({{"a", "abcd", 8, 1'000'000}}), "claims 1000000 bytes");
  std::string both = with(good, kEntry, 42, 0, 4);
  both = with(with(both, kEntry, 20, 1000, 4), kEntry, 24, 1000, 4);
  check_zip(both, "its entries overlap");
}

TEST_CASE("zip: sizes of 64 bits are in the field that is theirs") {
  const auto field = [](int id, std::size_t length, std::uint64_t value) {
    return little(static_cast<std::uint64_t>(id), 2) + little(length, 2) + little(value, 8);
  };
  const std::string file = with_extra(field(7, 8, 9) + field(1, 8, 4));
  const auto entries = read_zip_directory(bytes_of(file), "x.zip");
  REQUIRE_MESSAGE(entries.ok(), entries.status().message());
  CHECK(entries.value().at("a").size == 4);
  check_zip(with_extra(field(7, 8, 4)), "claims 4294967295 bytes");
  check_zip(with_extra(field(1, 9, 4)), "entry 1 of its ZIP directory is wrong");
  check_zip(with_extra(little(1, 2) + little(4, 2) + little(4, 4)), "entry 1 of its ZIP directory is wrong");
}

std::string unicode(const std::string& text) { return "X" + little(text.size(), 4) + text; }
std::string whole(std::int64_t n) { return "J" + little(static_cast<std::uint64_t>(n), 4); }
std::string wholes(std::size_t count, std::int64_t n) {
  std::string all = "(";
  for (std::size_t i = 0; i < count; ++i) all += whole(n);
  return all + "t";
}

const std::string kStorage =
    "(" + unicode("storage") + "ctorch\nFloatStorage\n" + unicode("0") + unicode("cpu") + whole(4) + "tQ";
std::string rebuilt(const std::string& arguments) { return "ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + "tR"; }
std::string tensor_of(const std::string& shape, const std::string& strides) {
  return rebuilt(kStorage + whole(0) + shape + strides);
}

Result<TensorPickle> unpickled(const std::string& program) {
  const std::string text = "\x80\x02" + program + ".";
  return read_tensor_pickle(bytes_of(text), "x.pth");
}

TEST_CASE("pickle: programs that are wrong are refused, each for its reason") {
  constexpr const char* kEnds = "its pickle ends too soon";
  constexpr const char* kNoTensor = "a tensor without a storage";
  constexpr const char* kNoNumbers = "shape or strides are no numbers";
  constexpr const char* kContainer = "items into what is no container";
  const std::string one = wholes(1, 1);
  const std::pair<std::string, const char*> programs[] = {
      {"", kEnds},
      {"X" + little(100, 4) + "ab", kEnds},
      {"ctorch", kEnds},
      {"\x8a\x09" + std::string(9, '1'), "a number of more than 64 bits"},
      {"0", "takes more than it has"},
      {"\x85", "takes more than it has"},
      {"t", "lacks a mark"},
      {"h\x05", "recalls what it has not remembered"},
      {"(u", kContainer},
      {"](u", kContainer},
      {"}(e", kContainer},
      {"}(" + unicode("a") + "u", "a key without a value"},
      {unicode("x") + "Q", "unknown persistent id"},
      {wholes(4, 1) + "Q", "unknown persistent id"},
      {"(" + unicode("store") + "ctorch\nFloatStorage\n" + unicode("0") + unicode("cpu") + whole(4) + "tQ",
       "none of torch.save"},
      {"(" + unicode("storage") + unicode("x") + unicode("0") + unicode("cpu") + whole(4) + "tQ", "none of torch.save"},
      {"(" + unicode("storage") + "ctorch\nFloatStorage\n" + whole(0) + unicode("cpu") + whole(4) + "tQ",
       "none of torch.save"},
      {rebuilt(kStorage + whole(0) + one), kNoTensor},
      {rebuilt(unicode("x") + whole(0) + one + one), kNoTensor},
      {rebuilt(kStorage + unicode("x") + one + one), kNoTensor},
      {rebuilt(kStorage + whole(-1) + one + one), kNoTensor},
      {tensor_of(whole(1), one), kNoNumbers},
      {tensor_of(one, whole(1)), kNoNumbers},
      {tensor_of(wholes(1, -1), one), kNoNumbers},
      {tensor_of("(" + unicode("1") + "t", one), kNoNumbers},
      {tensor_of(wholes(17, 1), wholes(17, 1)), kNoNumbers},
      {tensor_of(wholes(2, 1), one), kNoNumbers},
      {"ctorch\nSize\n" + unicode("x") + "R", "calls what is no function"},
      {unicode("x") + ")R", "calls what is no function"},
      {"ctorch\nSize\n)R", "of unknown arguments"},
      {"ctorch._utils\n_rebuild_parameter\n)R", "of unknown arguments"},
      {"ctorch._utils\n_rebuild_parameter\n(" + whole(1) + "tR", "of unknown arguments"},
  };
  for (const auto& [program, reason] : programs) {
    CAPTURE(program);
    const auto pickle = unpickled(program);
    REQUIRE(!pickle.ok());
    CAPTURE(pickle.status().message());
    CHECK(pickle.status().code() == Code::corrupt_file);
    CHECK(contains(pickle.status().message(), reason));
  }
  const std::string long_one((std::size_t{16} << 20) + 1, '.');
  CHECK(contains(read_tensor_pickle(bytes_of(long_one), "x.pth").status().message(), "16777216 are allowed"));
  for (const std::string& cut : {std::string("\x80\x02}"), std::string()}) {
    CHECK(contains(read_tensor_pickle(bytes_of(cut), "x.pth").status().message(), kEnds));
  }
  for (const std::string& version : {std::string("\x80\x01}."), std::string("\x80\x04}.")}) {
    CHECK(contains(read_tensor_pickle(bytes_of(version), "x.pth").status().message(), "has protocol"));
  }
}

TEST_CASE("pickle: parameters, sizes and what is no tensor are passed over or read") {
  const std::string tensor = tensor_of(wholes(16, 1), wholes(16, 1));
  const std::string parameter = "ctorch._utils\n_rebuild_parameter\n(" + tensor + "\x89tR";
  const std::string size = "ctorch\nSize\n(" + wholes(16, 1) + "tR";
  const auto names = [](const std::string& program) {
    const auto pickle = unpickled(program);
    REQUIRE_MESSAGE(pickle.ok(), pickle.status().message());
    return pickle.value().tensors.size();
  };
  CHECK(names("}(" + unicode("a") + parameter + unicode("b") + tensor_of(size, size) + "u") == 2);
  CHECK(names("}(" + whole(1) + tensor + unicode("n") + whole(2) + "u") == 0);
  CHECK(names("}(" + whole(1) + "}(" + unicode("a") + tensor + "uu") == 0);
  CHECK(names("}(" + unicode("other") + "}(" + unicode("a") + tensor + "uu") == 0);
  CHECK(names("}(" + unicode("model") + "}(" + unicode("a") + tensor + "uu") == 1);
  CHECK(names("}(" + unicode("model") + "](" + unicode("a") + tensor + "eu") == 0);
  CHECK(names("](" + unicode("a") + tensor + "e") == 0);
  CHECK(names("](" + unicode("model") + "}(" + unicode("a") + tensor + "ue") == 0);
}

TEST_CASE("npy: headers that NumPy would not write are none") {
  const std::string type = "'descr': '<f4'", order = "'fortran_order': False", shape = "'shape': (2, 3)";
  const auto parses = [](const std::string& text) { return parse_npy_header(text).has_value(); };
  CHECK(parses("{" + type + ", " + order + ", " + shape + ", }"));
  CHECK(parses("{" + type + ", " + order + ", 'shape': ()}  "));
  for (const std::string& wrong : {
           type + ", " + order + ", " + shape + "}",
           "{" + type + ", " + order + ", " + shape,
           "{" + type + ", " + order + ", " + shape + "}x",
           "{" + type + ", " + order + "}",
           "{" + type + ", " + shape + "}",
           "{" + order + ", " + shape + "}",
           "{" + type + ", " + type + ", " + order + ", " + shape + "}",
           "{" + type + ", " + order + ", " + shape + ", " + shape + "}",
           "{" + type + ", " + order + ", " + order + ", " + shape + "}",
           "{" + type + ", 'other': 1, " + order + ", " + shape + "}",
           "{" + type + " " + order + ", " + shape + "}",
           "{'descr' '<f4', " + order + ", " + shape + "}",
           "{'descr': <f4, " + order + ", " + shape + "}",
           "{" + order + ", " + shape + ", 'descr': '<f4",
           "{" + type + ", 'fortran_order': 0, " + shape + "}",
           "{" + type + ", " + order + ", 'shape': 2}",
           "{" + type + ", " + order + ", 'shape': (2",
           "{" + type + ", " + order + ", 'shape': (2 3)}",
           "{" + type + ", " + order + ", 'shape': (-1,)}",
           "{" + type + ", " + order + ", 'shape': (99999999999999999999,)}",
           "{" + type + ", " + order + ", 'shape': (x,)}",
       }) {
    CAPTURE(wrong);
    CHECK(!parses(wrong));
  }
}

TEST_CASE("npy: what begins otherwise, or is longer than the file, is no header") {
  const auto taken = [](const std::string& magic, int version, std::uint64_t length, int width, std::size_t there) {
    const std::string file =
        magic + static_cast<char>(version) + '\0' + little(length, width) + std::string(there, ' ');
    std::span<const std::uint8_t> bytes = bytes_of(file);
    return take_npy_header(bytes).has_value();
  };
  const std::string magic = "\x93NUMPY";
  CHECK(taken(magic, 1, 10, 2, 10));
  CHECK(taken(magic, 2, 10, 4, 10));
  CHECK(taken(magic, 3, 10, 4, 12));
  CHECK(!taken("\x93NUMPX", 1, 10, 2, 10));
  CHECK(!taken(magic, 0, 10, 4, 10));
  CHECK(!taken(magic, 4, 10, 4, 10));
  CHECK(!taken(magic, 1, 11, 2, 10));
  CHECK(!taken(magic, 2, 1u << 20, 4, (1u << 20) + 1));
  CHECK(!taken(magic, 1, 0, 2, 1));
}

}  // namespace
}  // namespace intvit
