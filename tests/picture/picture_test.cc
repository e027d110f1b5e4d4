// Picture files: the pixels that Pillow has, or a refusal that says why. The same tests run with each kind of decoder.
//
// Goldens: tests/golden/pictures (make_goldens.py).
#include "intvit/picture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/picture/golden_pictures.h"

namespace intvit::test {
namespace {

namespace fs = std::filesystem;

Picture read_or_fail(const fs::path& path, const PictureOptions& options = {}) {
  Result<Picture> picture = read_picture(path.string(), options);
  INFO(path.string(), ": ", picture.status().message());
  REQUIRE(picture.ok());
  return picture.take();
}

double mean_difference(const Bytes& a, const Bytes& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

struct Entry {
  std::string name;
  std::string expected;  // '=', '~', '-' or what the refusal says, for the decoders of this build
};

std::vector<Entry> entries() {
  std::ifstream manifest(golden("manifest.txt"));
  REQUIRE(manifest.good());
  std::vector<Entry> all;
  for (std::string line; std::getline(manifest, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t first = line.find(" | ");
    const std::size_t second = line.find(" | ", first + 1);
    REQUIRE(second != std::string::npos);
    all.push_back(
        {line.substr(0, first), is_stb() ? line.substr(second + 3) : line.substr(first + 3, second - first - 3)});
  }
  return all;
}

bool has_picture(const Entry& entry) { return entry.expected.size() == 1; }

TEST_CASE("pictures of every kind are as Pillow reads them, or refused with the reason") {
  int equal = 0;
  int refused = 0;
  for (const Entry& entry : entries()) {
    CAPTURE(entry.name);
    const fs::path path = golden(entry.name);
    const Bytes bytes = read_bytes(path);
    const Result<Picture> picture = read_picture(path.string());
    const Result<Picture> in_memory = decode_picture(bytes, path.string());
    REQUIRE(picture.ok() == in_memory.ok());
    if (!has_picture(entry)) {
      check_refused(picture, path.string(), entry.expected);
      CHECK(picture.status().message() == in_memory.status().message());
      ++refused;
      continue;
    }
    INFO(picture.status().message());
    REQUIRE(picture.ok());
    CHECK(picture.value().rgb == in_memory.value().rgb);
    if (entry.expected == "-") continue;
    const Picture expected = read_or_fail(golden(entry.name + ".ppm"));
    CHECK(picture.value().width == expected.width);
    CHECK(picture.value().height == expected.height);
    if (entry.expected == "=") {
      CHECK(picture.value().rgb == expected.rgb);
      ++equal;
    } else {
      CHECK(mean_difference(picture.value().rgb, expected.rgb) < 3);
    }
  }
  CHECK(equal == (is_stb() ? 47 : 91));
  CHECK(refused == (is_stb() ? 35 : 24));
}

TEST_CASE("a reader hands out the rows that the whole picture has") {
  for (const Entry& entry : entries()) {
    if (!has_picture(entry)) continue;
    CAPTURE(entry.name);
    const Picture whole = read_or_fail(golden(entry.name));
    // Whoever needs only some rows may stop, but what comes after must be right.
    for (const int rows : {whole.height, whole.height / 2, 0}) {
      const auto reader = PictureReader::open(golden(entry.name).string());
      REQUIRE(reader.ok());
      for (int y = 0; y < rows; ++y) {
        const auto row = reader.value()->next_row();
        REQUIRE(row.ok());
        CHECK(std::equal(row.value(), row.value() + 3 * whole.width, whole.rgb.data() + 3 * whole.width * y));
      }
      CHECK(reader.value()->finish().ok());
    }
  }
}

TEST_CASE("a picture that is cut off is refused, wherever") {
  check_refused(decode_picture({}, "some/picture.png"), "some/picture.png", "the file is empty");
  const std::string text = "This is not a picture.\n";
  check_refused(decode_picture(Bytes(text.begin(), text.end()), "text"), "text",
                "not a picture that this version reads");

  for (const char* name : {"baseline_420.jpg", "progressive_422.jpg", "restarts.jpg", "rgb_8.png", "palette_4.png",
                           "rgb_8_interlaced.png", "palette_4.bmp", "grey.pgm"}) {
    const Bytes whole = read_bytes(golden(name));
    for (std::size_t length = 8; length < whole.size(); length += length < 64 ? 1 : 7) {
      CAPTURE(name);
      CAPTURE(length);
      const Result<Picture> picture = decode_picture(std::span(whole).first(length), name);
      REQUIRE(!picture.ok());
      CHECK(picture.status().code() == Code::corrupt_file);
      // With an end that is right, but not its own.
      if (!std::string_view(name).ends_with(".jpg") || is_stb()) continue;
      Bytes ended(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      if (ended.back() == 0xff) continue;
      ended.insert(ended.end(), {0xff, 0xd9});
      if (name != std::string_view("progressive_422.jpg")) CHECK(!decode_picture(ended, name).ok());
    }
  }
}

TEST_CASE("a JPEG whose scan has less data than its blocks take at least is refused, though it has its end marker") {
  for (const char* name : {"baseline_420.jpg", "baseline_444.jpg", "grey.jpg", "grey_progressive.jpg"}) {
    CAPTURE(name);
    Bytes file = read_bytes(golden(name));
    const Bytes scan = {0xff, 0xda};
    const auto begin = std::search(file.begin(), file.end(), scan.begin(), scan.end());
    REQUIRE(begin != file.end());
    const std::ptrdiff_t header = 2 + (begin[2] << 8 | begin[3]);
    file.erase(begin + header + 1, file.end());
    file.insert(file.end(), {0xff, 0xd9});
    CHECK(!decode_picture(file, name).ok());
  }
}

// A long run sets INTVIT_MUTATIONS=COUNT and INTVIT_MUTATIONS_SEED=N.
TEST_CASE("whatever happens to a byte, nothing worse than an error comes of it") {
  const char *count = std::getenv("INTVIT_MUTATIONS"), *seed = std::getenv("INTVIT_MUTATIONS_SEED");
  const int mutations = count != nullptr ? std::stoi(count) : 40;  // of every file
  std::mt19937 random(seed != nullptr ? static_cast<std::uint32_t>(std::stoul(seed)) : 3);
  int read = 0, refused = 0;
  for (const Entry& entry : entries()) {
    const Bytes whole = read_bytes(golden(entry.name));
    if (whole.size() > 10'000) continue;
    for (int i = 0; i < mutations; ++i) {
      Bytes changed = whole;
      for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
        changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
      }
      const Result<Picture> picture = decode_picture(changed, entry.name);
      if (picture.ok()) CHECK(picture.value().rgb.size() == 3ul * picture.value().width * picture.value().height);
      ++(picture.ok() ? read : refused);
    }
  }
  MESSAGE(std::to_string(read) << " changed pictures were read, " << std::to_string(refused) << " refused");
}

TEST_CASE("EXIF turns a picture only if that is asked for, and is always told") {
  for (int orientation = 1; orientation <= 9; ++orientation) {
    const bool is_png = orientation == 9;
    const std::string name = is_png ? "exif.png" : "exif_" + std::to_string(orientation) + ".jpg";
    CAPTURE(name);
    const auto reader = PictureReader::open(golden(name).string());
    REQUIRE(reader.ok());
    CHECK(reader.value()->remarks().orientation == (is_png ? 6 : orientation));
    PictureOptions options;
    options.exif_rotate = true;
    const Picture turned = read_or_fail(golden(name), options);
    const Picture expected = read_or_fail(golden(name + ".turned.ppm"));
    CHECK(turned.width == expected.width);
    CHECK(turned.height == expected.height);
    CHECK(mean_difference(turned.rgb, expected.rgb) < (is_stb() && !is_png ? 3 : 1e-9));
  }
}

TEST_CASE("grey of 16 bits, which is clipped, is told") {
  const auto clipped = [](const char* name) {
    const auto reader = PictureReader::open(golden(name).string());
    REQUIRE(reader.ok());
    return reader.value()->remarks().grey_clipped;
  };
  CHECK(clipped("grey_16.png"));
  CHECK(!clipped("grey_8.png"));
  CHECK(!clipped("rgb_16.png"));
}

TEST_CASE("a refusal names the limit, and a wider limit lets the picture through") {
  struct Limited {
    const char* file;
    std::int64_t PictureLimits::*limit;
    const char* name;
    std::int64_t least;
  };
  const std::int64_t scans = 10;
  for (const Limited& limited : {Limited{"rgb_8.png", &PictureLimits::pixels, "'pixels'", 37 * 21},
                                 {"baseline_420.jpg", &PictureLimits::pixels, "'pixels'", 37 * 21},
                                 {"rgb.bmp", &PictureLimits::pixels, "'pixels'", 37 * 21},
                                 {"rgb.pnm", &PictureLimits::pixels, "'pixels'", 37 * 21},
                                 {"rgb_8.png", &PictureLimits::file_bytes, "'file'", 2471},
                                 {"progressive_420.jpg", &PictureLimits::scans, "'scans'", scans}}) {
    CAPTURE(limited.file);
    PictureOptions options;
    options.limits.*limited.limit = limited.name == std::string_view("'file'")
                                        ? static_cast<std::int64_t>(fs::file_size(golden(limited.file)))
                                        : limited.least;
    CHECK(read_picture(golden(limited.file).string(), options).ok());
    --(options.limits.*limited.limit);
    const Result<Picture> refused = read_picture(golden(limited.file).string(), options);
    check_refused(refused, golden(limited.file).string(), limited.name);
    CHECK(refused.status().code() == Code::unsupported);
  }
  PictureOptions little;
  little.limits.memory_bytes = 100;
  for (const char* name : {"progressive_420.jpg", "rgb_8_interlaced.png", "rgb.bmp", "rgb.pnm"}) {
    check_refused(read_picture(golden(name).string(), little), golden(name).string(), "'memory'");
  }
  // Rows of these are decoded as they come, so that they need no more memory for more pixels.
  for (const char* name : {"baseline_420.jpg", "rgb_8.png"}) {
    if (!is_stb()) CHECK(PictureReader::open(golden(name).string(), little).ok());
  }
  PictureOptions many;
  many.limits.scans = 1000;
  CHECK(read_picture(golden("many_scans.jpg").string(), many).ok());
}

TEST_CASE("what is no file is refused at once") {
  const fs::path folder = fs::temp_directory_path() / ("intvit_pictures_" + std::to_string(::getpid()));
  fs::create_directories(folder / "folder.jpg");
  const std::string pipe = (folder / "pipe.jpg").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  check_refused(read_picture(pipe), pipe, "it is a pipe");
  check_refused(read_picture((folder / "folder.jpg").string()), (folder / "folder.jpg").string(), "it is a folder");
  check_refused(read_picture("/dev/null"), "/dev/null", "it is a device");
  CHECK(read_picture(pipe).status().code() == Code::io);
  const std::string missing = (folder / "missing.png").string();
  check_refused(read_picture(missing), missing, "No such file");
  CHECK(read_picture(missing).status().code() == Code::not_found);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace intvit::test
