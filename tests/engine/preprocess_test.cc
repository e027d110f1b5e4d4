// Pictures to network input: equal to Pillow to the bit.
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
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/image/resample_weights.h"
#include "intvit/isa.h"
#include "intvit/picture.h"
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

// Rows as a decoder hands them out: each in the memory of the one before. After `good` rows there are only errors.
class PassingRows : public PictureRows {
 public:
  explicit PassingRows(const Picture& picture, int good = std::numeric_limits<int>::max())
      : picture_(picture), good_(good), row_(static_cast<std::size_t>(picture.width) * 3) {}

  int width() const override { return picture_.width; }
  int height() const override { return picture_.height; }
  Result<const std::uint8_t*> next_row() override {
    REQUIRE(rows_ < picture_.height);
    if (rows_ == good_) return {Code::corrupt_file, "no further row"};
    std::copy_n(picture_.rgb.data() + picture_.view().stride * rows_++, row_.size(), row_.data());
    return static_cast<const std::uint8_t*>(row_.data());
  }
  Status finish() override {
    ++finished_;
    return good_ <= picture_.height ? Status(Code::corrupt_file, "a wrong end") : Status();
  }
  int rows() const { return rows_; }
  int finished() const { return finished_; }

 private:
  const Picture& picture_;
  int good_;
  std::vector<std::uint8_t> row_;
  int rows_ = 0;
  int finished_ = 0;
};

// On every instruction set: as it is, again from a view with other rows in between, bottom up, and row by row.
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
    PassingRows rows(src);
    std::vector<std::uint8_t> dst(expected.rgb.size(), 0x5a);
    REQUIRE(preprocessor.run(rows, dst.data()).ok());
    CHECK(dst == expected.rgb);
    CHECK(rows.finished() == 1);
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

// ---- Limits -------------------------------------------------------------------------------------------------------

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

TEST_CASE("an error of any row, and of the end, is the preprocessor's") {
  Picture picture{40, 30, std::vector<std::uint8_t>(40 * 30 * 3, 9)};
  std::vector<std::uint8_t> dst(8 * 8 * 3);
  for (const CropMode mode : {CropMode::center, CropMode::squash}) {
    Preprocessor preprocessor({8, 8, 9, 9, Interpolation::bicubic, mode}, kernels::kernel_table(Isa::scalar).resize);
    PassingRows whole(picture);
    REQUIRE(preprocessor.run(whole, dst.data()).ok());
    for (int good = 0; good <= picture.height; ++good) {
      CAPTURE(good);
      PassingRows rows(picture, good);
      const Status status = preprocessor.run(rows, dst.data());
      CHECK(status.code() == Code::corrupt_file);
      CHECK(status.message() == (good < whole.rows() ? "no further row" : "a wrong end"));
    }
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

}  // namespace
}  // namespace intvit
