// What pictures, their rows and the sizes of their resize must be, each wrong in one place.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/image/preprocess.h"
#include "engine/image/resample_weights.h"
#include "intvit/isa.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit {
namespace {

using Pixels = std::vector<std::uint8_t>;

// Grey rows that differ, and from `good` on errors.
class NumberedRows : public PictureRows {
 public:
  NumberedRows(int width, int height, int good) : width_(width), height_(height), good_(good) {}
  int width() const override { return width_; }
  int height() const override { return height_; }
  Result<const std::uint8_t*> next_row() override {
    if (row_ == good_) return {Code::corrupt_file, "no further row"};
    pixels_.assign(static_cast<std::size_t>(width_) * 3, static_cast<std::uint8_t>(7 * ++row_));
    return static_cast<const std::uint8_t*>(pixels_.data());
  }
  Status finish() override { return {}; }

 private:
  int width_, height_, good_, row_ = 0;
  Pixels pixels_;
};

InputGeometry geometry_of(std::uint32_t edge, std::uint32_t resize) {
  InputGeometry geometry;
  geometry.width = geometry.height = edge;
  geometry.resize_width = geometry.resize_height = resize;
  return geometry;
}

Preprocessor preprocessor_of(const InputGeometry& geometry) {
  return Preprocessor(geometry, kernels::kernel_table(Isa::scalar).resize);
}

void check_invalid(const Status& status, const std::string& reason) {
  CAPTURE(status.message());
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message().find(reason) != std::string::npos);
}

TEST_CASE("image: rows of sizes that cannot be, or whose resize is too long, are refused") {
  Pixels dst(8 * 8 * 3);
  const auto run = [&dst](const InputGeometry& geometry, int width, int height) {
    NumberedRows rows(width, height, height);
    Preprocessor preprocessor = preprocessor_of(geometry);
    return preprocessor.run(rows, dst.data());
  };
  check_invalid(run(geometry_of(8, 8), 0, 0), "a picture of 0 x 0 pixels");
  check_invalid(run(geometry_of(8, 8), 0, 4), "a picture of 0 x 4 pixels");
  check_invalid(run(geometry_of(8, 8), 4, 0), "a picture of 4 x 0 pixels");
  check_invalid(run(geometry_of(8, 8), 65536, 4), "a picture of 65536 x 4 pixels");
  check_invalid(run(geometry_of(8, 8), 4, 65536), "a picture of 4 x 65536 pixels");
  check_invalid(run(geometry_of(8, 65535), 65535, 1), "cannot resize an edge to 4294836225 pixels");
  check_invalid(run(geometry_of(8, 65535), 1, 65535), "cannot resize an edge to 4294836225 pixels");
  InputGeometry wrong = geometry_of(8, 8);
  wrong.interpolation = static_cast<Interpolation>(4);
  check_invalid(check_geometry(wrong), "interpolation 4 does not exist");
  check_invalid(run(wrong, 4, 4), "interpolation 4 does not exist");
  // Rows that are copied, and rows that are resized.
  for (const int height : {8, 9}) {
    NumberedRows rows(height, height, 3);
    Preprocessor preprocessor = preprocessor_of(geometry_of(8, 8));
    CHECK(preprocessor.run(rows, dst.data()).code() == Code::corrupt_file);
  }
}

TEST_CASE("image: axes that cannot be resized are refused, each for its reason") {
  const ResampleAxis good{16, 8, 2, 4, Interpolation::bilinear};
  const auto check = [&good](auto change, const char* reason) {
    ResampleAxis axis = good;
    change(axis);
    ResampleWeights weights;
    check_invalid(weights.compute(axis), reason);
  };
  ResampleWeights weights;
  CHECK(weights.compute(good).ok());
  check([](ResampleAxis& a) { a.src_length = 0; }, "a picture's edge of 0 pixels");
  check([](ResampleAxis& a) { a.src_length = 65536; }, "a picture's edge of 65536 pixels");
  check([](ResampleAxis& a) { a.dst_length = 0; }, "an edge to 0 pixels");
  check([](ResampleAxis& a) { a.dst_length = (1 << 24) + 1; }, "an edge to 16777217 pixels");
  check([](ResampleAxis& a) { a.dst_count = 0; }, "cannot crop 0 pixels at 2 out of 8");
  check([](ResampleAxis& a) { a.dst_begin = -1; }, "cannot crop 4 pixels at -1 out of 8");
  check([](ResampleAxis& a) { a.dst_begin = 5; }, "cannot crop 4 pixels at 5 out of 8");
  check([](ResampleAxis& a) { a.interpolation = static_cast<Interpolation>(4); }, "interpolation 4 does not exist");
}

TEST_CASE("image: a preprocessor that has seen a picture of another size gives what a new one gives") {
  const InputGeometry geometry = geometry_of(8, 8);
  Preprocessor used = preprocessor_of(geometry);
  const int sizes[][2] = {{20, 16}, {24, 16}, {24, 18}, {8, 8}, {8, 12}, {12, 8}, {8, 8}};
  for (const auto& [width, height] : sizes) {
    CAPTURE(width);
    CAPTURE(height);
    Pixels expected(8 * 8 * 3, 0x5a), got(8 * 8 * 3, 0xa5);
    NumberedRows first(width, height, height), second(width, height, height);
    Preprocessor fresh = preprocessor_of(geometry);
    REQUIRE(fresh.run(first, expected.data()).ok());
    REQUIRE(used.run(second, got.data()).ok());
    CHECK(got == expected);
  }
}

TEST_CASE("image: what a crop wider than the picture leaves on either axis is black") {
  InputGeometry geometry = geometry_of(8, 8);
  for (const bool wide : {true, false}) {
    (wide ? geometry.width : geometry.height) = 12;
    (wide ? geometry.height : geometry.width) = 8;
    Pixels dst(12 * 8 * 3, 0x5a);
    NumberedRows rows(8, 8, 8);
    Preprocessor preprocessor = preprocessor_of(geometry);
    REQUIRE(preprocessor.run(rows, dst.data()).ok());
    CHECK(std::count(dst.begin(), dst.end(), 0) == 4 * 8 * 3);
    CHECK(std::count(dst.begin(), dst.end(), 0x5a) == 0);
  }
}

TEST_CASE("image: the only row needs no stride") {
  const Pixels row(3 * 3, 9);
  Pixels dst(8 * 8 * 3);
  Preprocessor preprocessor = preprocessor_of(geometry_of(8, 8));
  CHECK(preprocessor.run(PictureView{row.data(), 3, 1, 0}, dst.data()).ok());
}

}  // namespace
}  // namespace intvit
