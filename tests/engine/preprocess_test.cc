// Pictures to network input: equal to Pillow to the bit, and broken files are refused with a reason.
//
// Goldens: tests/golden/preprocess (make_goldens.py). With INTVIT_SHARED_DATA set, a folder with
// preprocess/manifest.json, photographs are compared too.
#include "engine/image/preprocess.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/decode/decode.h"
#include "engine/image/resample_weights.h"
#include "intvit/isa.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() { return fs::path(INTVIT_GOLDEN_DIR) / "preprocess"; }

Interpolation interpolation_from_name(const std::string& name) {
  const std::map<std::string, Interpolation> names = {{"nearest", Interpolation::nearest},
                                                      {"bilinear", Interpolation::bilinear},
                                                      {"bicubic", Interpolation::bicubic},
                                                      {"lanczos", Interpolation::lanczos}};
  REQUIRE(names.count(name) == 1);
  return names.at(name);
}

Picture read_or_fail(const fs::path& path) {
  Result<Picture> picture = read_picture(path.string());
  INFO(picture.status().message());
  REQUIRE(picture.ok());
  return picture.take();
}

std::vector<std::uint8_t> read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// On every instruction set: as it is, and again from a view with other rows in between, bottom up.
void check_preprocess(const InputGeometry& geometry, const Picture& src, const Picture& expected) {
  REQUIRE(expected.rgb.size() == std::size_t{geometry.height} * geometry.width * 3);
  const std::ptrdiff_t stride = src.view().stride + 5;
  std::vector<std::uint8_t> flipped(static_cast<std::size_t>(stride * src.height));
  for (int y = 0; y < src.height; ++y) {
    std::copy_n(src.rgb.data() + y * src.view().stride, src.view().stride,
                flipped.data() + (src.height - 1 - y) * stride);
  }
  const PictureView upside_down{flipped.data() + (src.height - 1) * stride, src.width, src.height, -stride};
  for (const Isa isa : available_isas()) {
    Preprocessor preprocessor(geometry, kernels::kernel_table(isa).resize);
    for (const PictureView& view : {src.view(), upside_down}) {
      std::vector<std::uint8_t> dst(expected.rgb.size(), 0x5a);
      const Status status = preprocessor.run(view, dst.data());
      INFO(isa_name(isa), " ", status.message());
      REQUIRE(status.ok());
      CHECK(dst == expected.rgb);
    }
  }
}

TEST_CASE("preprocessing equals Pillow's: goldens") {
  std::ifstream manifest(golden_folder() / "manifest.txt");
  REQUIRE(manifest.good());
  std::string line;
  int count = 0;
  while (std::getline(manifest, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string src, expected, interpolation, mode;
    InputGeometry geometry;
    fields >> src >> expected >> geometry.height >> geometry.width >> geometry.resize_height >> geometry.resize_width >>
        interpolation >> mode;
    REQUIRE(!fields.fail());
    CAPTURE(expected);
    geometry.interpolation = interpolation_from_name(interpolation);
    geometry.crop_mode = mode == "squash" ? CropMode::squash : CropMode::center;
    check_preprocess(geometry, read_or_fail(golden_folder() / src), read_or_fail(golden_folder() / expected));
    ++count;
  }
  CHECK(count == 92);
}

TEST_CASE("preprocessing equals Pillow's: photographs") {
  const char* shared = std::getenv("INTVIT_SHARED_DATA");
  const fs::path folder = fs::path(shared != nullptr ? shared : "") / "preprocess";
  if (shared == nullptr || !fs::exists(folder / "manifest.json")) {
    MESSAGE("skipped: INTVIT_SHARED_DATA names no folder with preprocess/manifest.json");
    return;
  }
  std::ifstream file(folder / "manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(file);
  REQUIRE(!manifest.empty());
  for (const nlohmann::json& entry : manifest) {
    const std::string expected = entry.at("expected");
    CAPTURE(expected);
    InputGeometry geometry;
    geometry.height = geometry.width = entry.at("size").get<std::uint32_t>();
    geometry.resize_height = geometry.resize_width =
        static_cast<std::uint32_t>(geometry.height / entry.at("crop_pct").get<double>());
    geometry.interpolation = interpolation_from_name(entry.at("interpolation"));
    check_preprocess(geometry, read_or_fail(folder / entry.at("src").get<std::string>()),
                     read_or_fail(folder / expected));
  }
  MESSAGE(manifest.size(), " photographs compared");
}

// ---- Coefficients -------------------------------------------------------------------------------------------------

double reference_filter(Interpolation interpolation, double x) {
  const auto sinc = [](double t) { return t == 0.0 ? 1.0 : std::sin(t * M_PI) / (t * M_PI); };
  if (interpolation == Interpolation::lanczos) return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
  x = std::fabs(x);
  if (interpolation == Interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double kA = -0.5;
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

struct Mismatches {
  long coefficients = 0;
  long different = 0;
};

// Pillow's formula in double against ours, for outputs begin .. begin + count - 1. Where the window ends exactly on a
// sample Pillow may take one sample more or less, of weight 0: compare by source sample, not by tap.
void compare_coefficients(const ResampleAxis& axis, Mismatches* mismatches) {
  ResampleWeights weights;
  const Status status = weights.compute(axis);
  INFO(status.message());
  REQUIRE(status.ok());
  const kernels::ResizeAxis ours = weights.view();
  const double scale = static_cast<double>(axis.src_length) / static_cast<double>(axis.dst_length);
  const double filter_scale = std::max(scale, 1.0);
  const int filter_support = static_cast<int>(axis.interpolation);  // bilinear 1, bicubic 2, lanczos 3
  const double support = filter_support * filter_scale;
  std::vector<double> reference;
  for (std::int64_t i = 0; i < axis.dst_count; ++i) {
    const double center = (static_cast<double>(axis.dst_begin + i) + 0.5) * scale;
    const double one = 1.0 / filter_scale;
    const std::int64_t begin = std::max(static_cast<std::int64_t>(center - support + 0.5), std::int64_t{0});
    const std::int64_t end = std::min(static_cast<std::int64_t>(center + support + 0.5), axis.src_length);
    double sum = 0.0;
    reference.clear();
    for (std::int64_t s = begin; s < end; ++s) {
      reference.push_back(
          reference_filter(axis.interpolation, (static_cast<double>(s - begin) + begin - center + 0.5) * one));
      sum += reference.back();
    }
    const auto reference_at = [&](std::int64_t s) -> std::int32_t {
      if (s < begin || s >= end) return 0;
      const double scaled = reference[s - begin] / sum * (1 << kernels::kResizePrecisionBits);
      return static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    };
    const auto ours_at = [&](std::int64_t s) -> std::int32_t {
      const std::int64_t t = s - ours.first[i];
      return t < 0 || t >= ours.taps[i] ? 0 : ours.weights[i * ours.taps_stride + t];
    };
    std::int64_t magnitude = 0;
    const std::int64_t from = std::min<std::int64_t>(begin, ours.first[i]);
    const std::int64_t to = std::max<std::int64_t>(end, ours.first[i] + ours.taps[i]);
    for (std::int64_t s = from; s < to; ++s) {
      ++mismatches->coefficients;
      mismatches->different += ours_at(s) != reference_at(s);
      magnitude += std::abs(ours_at(s));
    }
    REQUIRE(magnitude < 2 * (std::int64_t{1} << kernels::kResizePrecisionBits));  // the kernels' range argument
    REQUIRE(ours.taps[i] >= 1);
    REQUIRE(ours.first[i] >= 0);
    REQUIRE(ours.first[i] + ours.taps[i] <= axis.src_length);
  }
}

TEST_CASE("the integer coefficients equal Pillow's doubles") {
  const char* pairs_text = std::getenv("INTVIT_FUZZ_PAIRS");  // more than the default, for an hour of fuzzing
  const int pairs = pairs_text != nullptr ? std::atoi(pairs_text) : 1500;
  for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
    std::mt19937 random(static_cast<std::uint32_t>(interpolation) + static_cast<std::uint32_t>(pairs));
    const auto random_length = [&random](int bits) {
      const std::uint32_t limit = 1u << (1 + random() % bits);
      return static_cast<std::int64_t>(1 + random() % limit);
    };
    Mismatches mismatches;
    for (int i = 0; i < pairs; ++i) {
      ResampleAxis axis;
      axis.interpolation = interpolation;
      axis.src_length = std::min(random_length(i % 50 == 0 ? 16 : 11), kMaxPictureEdge);
      axis.dst_length = random_length(i % 50 == 0 ? 16 : 11);
      axis.dst_count = std::min<std::int64_t>(axis.dst_length, 224);
      axis.dst_begin = static_cast<std::int64_t>(random() % (axis.dst_length - axis.dst_count + 1));
      CAPTURE(axis.src_length);
      CAPTURE(axis.dst_length);
      compare_coefficients(axis, &mismatches);
    }
    MESSAGE("filter ", static_cast<int>(interpolation), ": ", pairs, " pairs of sizes, ", mismatches.coefficients,
            " coefficients, ", mismatches.different, " differ");
    // Ties that Pillow's rounding errors break the other way exist: 1 in 3.8e8 coefficients of 450000 pairs of sizes.
    CHECK(mismatches.different <= mismatches.coefficients / 50'000'000);
  }
}

TEST_CASE("nearest neighbour follows Pillow's running sum of doubles") {
  std::mt19937 random(5);
  ResampleWeights weights;
  long different = 0;
  for (int pair = 0; pair < 3000; ++pair) {
    ResampleAxis axis{1 + static_cast<std::int64_t>(random() % 3000), 1 + static_cast<std::int64_t>(random() % 1500), 0,
                      0, Interpolation::nearest};
    if (pair % 3 == 0) axis.src_length = axis.dst_length * (1 + random() % 30) / (1 + random() % 30);  // simple ratios
    axis.src_length = std::clamp<std::int64_t>(axis.src_length, 1, kMaxPictureEdge);
    axis.dst_count = axis.dst_length;
    REQUIRE(weights.compute(axis).ok());
    const double step = static_cast<double>(axis.src_length) / static_cast<double>(axis.dst_length);
    double position = step * 0.5;
    for (std::int64_t i = 0; i < axis.dst_count; ++i, position += step) {
      different += weights.view().first[i] != static_cast<int>(position);
    }
  }
  CHECK(different == 0);
}

// ---- Limits and broken files --------------------------------------------------------------------------------------

TEST_CASE("preprocessing refuses what it cannot do") {
  const kernels::ResizeKernels* kernels = kernels::kernel_table(Isa::scalar).resize;
  const InputGeometry good{8, 8, 9, 9, Interpolation::bicubic, CropMode::center};
  std::vector<std::uint8_t> pixels(3 * 4 * 4);
  std::vector<std::uint8_t> dst(8 * 8 * 3);
  const PictureView picture{pixels.data(), 4, 4, 12};
  const auto code = [&](const InputGeometry& geometry, const PictureView& view) {
    const Status status = Preprocessor(geometry, kernels).run(view, dst.data());
    CHECK((status.ok() || !status.message().empty()));
    return status.code();
  };
  CHECK(code(good, picture) == Code::ok);
  for (std::uint32_t InputGeometry::*edge :
       {&InputGeometry::height, &InputGeometry::width, &InputGeometry::resize_height, &InputGeometry::resize_width}) {
    for (const std::uint32_t value : {0u, 65536u, 0xffffffffu}) {
      InputGeometry bad = good;
      bad.*edge = value;
      CHECK(code(bad, picture) == Code::invalid_argument);
    }
  }
  InputGeometry bad = good;
  bad.interpolation = static_cast<Interpolation>(4);
  CHECK(code(bad, picture) == Code::invalid_argument);
  bad = good;
  bad.crop_mode = static_cast<CropMode>(3);
  CHECK(code(bad, picture) == Code::invalid_argument);
  CHECK(code(good, {nullptr, 4, 4, 12}) == Code::invalid_argument);
  CHECK(code(good, {pixels.data(), 0, 4, 12}) == Code::invalid_argument);
  CHECK(code(good, {pixels.data(), 4, -1, 12}) == Code::invalid_argument);
  CHECK(code(good, {pixels.data(), 4, 4, 11}) == Code::invalid_argument);
  CHECK(code(good, {pixels.data(), 65536, 1, 3 * 65536}) == Code::invalid_argument);

  // After a failure, and with sizes that alternate, one object still gives what a fresh one gives.
  Preprocessor reused(good, kernels);
  for (const int height : {4, 3, 4, 0, 4, 1}) {
    std::vector<std::uint8_t> fresh_dst(dst.size());
    const PictureView view{pixels.data(), 4, height, 12};
    const bool ok = Preprocessor(good, kernels).run(view, fresh_dst.data()).ok();
    CHECK(reused.run(view, dst.data()).ok() == ok);
    if (ok) CHECK(dst == fresh_dst);
  }
}

TEST_CASE("a strip of 1 x 65535 pixels is no problem") {
  const std::vector<std::uint8_t> pixels(3 * 65535, 77);
  std::vector<std::uint8_t> dst(224 * 224 * 3);
  for (const PictureView& view : {PictureView{pixels.data(), 1, 65535, 3}, {pixels.data(), 65535, 1, 3 * 65535}}) {
    Preprocessor preprocessor({224, 224, 248, 248, Interpolation::lanczos, CropMode::center},
                              kernels::kernel_table(Isa::scalar).resize);
    REQUIRE(preprocessor.run(view, dst.data()).ok());
    CHECK(std::all_of(dst.begin(), dst.end(), [](std::uint8_t sample) { return sample == 77; }));
  }
}

TEST_CASE("files of every kind decode as Pillow decodes them") {
  int count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(golden_folder() / "decode")) {
    const fs::path expected = entry.path().string() + ".expected.png";
    if (!fs::exists(expected)) continue;
    CAPTURE(entry.path().string());
    const Picture picture = read_or_fail(entry.path());
    const Picture reference = read_or_fail(expected);
    CHECK(picture.width == reference.width);
    CHECK(picture.height == reference.height);
    CHECK(picture.rgb == reference.rgb);
    ++count;
  }
  CHECK(count == 11);
  for (const char* name : {"small.jpg", "progressive.jpg"}) {
    const Picture jpeg = read_or_fail(golden_folder() / "decode" / name);
    CHECK(jpeg.width == 48);
    CHECK(jpeg.height == 32);
    CHECK(jpeg.rgb[0] < 32);        // the gradient starts dark in red
    CHECK(jpeg.rgb[47 * 3] > 200);  // and ends bright
  }
}

TEST_CASE("broken pictures are refused with the file's name and a reason") {
  const auto check_refused = [](const std::vector<std::uint8_t>& bytes, Code code) {
    const Result<Picture> picture = decode_picture(bytes, "some/picture.png");
    REQUIRE(!picture.ok());
    INFO(picture.status().message());
    CHECK(picture.status().code() == code);
    CHECK(picture.status().message().find("some/picture.png: ") == 0);
    CHECK(picture.status().message().find('\n') == std::string::npos);
  };
  check_refused({}, Code::corrupt_file);
  const std::string text = "This is not a picture.\n";
  check_refused({text.begin(), text.end()}, Code::unsupported);

  for (const char* name : {"small.jpg", "progressive.jpg", "rgb.png", "palette.png"}) {
    const std::vector<std::uint8_t> whole = read_bytes(golden_folder() / "decode" / name);
    CAPTURE(name);
    for (std::size_t length = 8; length < whole.size(); length += length < 64 ? 1 : 7) {
      CAPTURE(length);
      check_refused({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, Code::corrupt_file);
    }
  }
  const std::vector<std::uint8_t> bmp = read_bytes(golden_folder() / "decode" / "rgb.bmp");
  std::vector<std::uint8_t> half_bmp(bmp.begin(), bmp.begin() + static_cast<std::ptrdiff_t>(bmp.size() / 2));
  check_refused(half_bmp, Code::corrupt_file);
  std::vector<std::uint8_t> flipped_png = read_bytes(golden_folder() / "decode" / "rgb.png");
  flipped_png[flipped_png.size() / 2] ^= 1;
  check_refused(flipped_png, Code::corrupt_file);

  // Headers that promise more than anybody wants to allocate, in files of a few bytes: 60000 x 60000 and 65536 x 9.
  std::vector<std::uint8_t> huge = read_bytes(golden_folder() / "decode" / "small.jpg");
  const std::uint8_t baseline_header[] = {0xff, 0xc0, 0x00, 0x11, 0x08};
  const auto header = std::search(huge.begin(), huge.end(), std::begin(baseline_header), std::end(baseline_header));
  REQUIRE(header != huge.end());
  header[5] = header[7] = 0xea;
  header[6] = header[8] = 0x60;
  check_refused(huge, Code::unsupported);
  huge = bmp;
  huge[18] = huge[19] = 0;
  huge[20] = 1;
  check_refused(huge, Code::unsupported);

  // Whatever happens to a byte, nothing worse than an error comes of it.
  std::mt19937 random(3);
  for (const char* name : {"small.jpg", "progressive.jpg", "palette.bmp", "grey.bmp", "rgba.png"}) {
    const std::vector<std::uint8_t> whole = read_bytes(golden_folder() / "decode" / name);
    for (int i = 0; i < 300; ++i) {
      std::vector<std::uint8_t> damaged = whole;
      for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      }
      const Result<Picture> picture = decode_picture(damaged, name);
      if (picture.ok()) CHECK(picture.value().rgb.size() == 3ul * picture.value().width * picture.value().height);
    }
  }

  const std::string missing = (golden_folder() / "no_such_picture.png").string();
  const Result<Picture> picture = read_picture(missing);
  REQUIRE(!picture.ok());
  CHECK(picture.status().code() == Code::not_found);
  CHECK(picture.status().message().find(missing) == 0);
  const Result<Picture> folder = read_picture(golden_folder().string());
  REQUIRE(!folder.ok());
  CHECK(folder.status().code() == Code::io);
  CHECK(folder.status().message().find(golden_folder().string()) == 0);
}

}  // namespace
}  // namespace intvit
