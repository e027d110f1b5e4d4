// Where the crop of a picture begins, by the rounding of the library that the network was trained with.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "engine/image/preprocess.h"
#include "kernels/dispatch/kernel_table.h"

using namespace intvit;

TEST_CASE("the crop begins at the nearest even pixel or, with center_floor, at the one before the middle") {
  std::vector<std::uint8_t> pixels;
  for (std::uint8_t column = 0; column < 7; ++column) pixels.insert(pixels.end(), 3, column);
  const auto first_column = [&](CropMode mode, int width) {
    std::vector<std::uint8_t> dst(3 * 4 * 4);
    std::vector<std::uint8_t> rows;
    for (int y = 0; y < 4; ++y) rows.insert(rows.end(), pixels.begin(), pixels.begin() + 3 * width);
    Preprocessor preprocessor({4, 4, 4, 4, Interpolation::bicubic, mode}, kernels::kernel_table(Isa::scalar).resize);
    REQUIRE(preprocessor.run({rows.data(), width, 4, 3 * width}, dst.data()).ok());
    CHECK(dst[9] == dst[0] + 3);  // the last column of the crop
    return static_cast<int>(dst[0]);
  };
  CHECK(first_column(CropMode::center, 5) == 0);  // 0.5
  CHECK(first_column(CropMode::center_floor, 5) == 0);
  CHECK(first_column(CropMode::center, 6) == 1);
  CHECK(first_column(CropMode::center_floor, 6) == 1);
  CHECK(first_column(CropMode::center, 7) == 2);  // 1.5
  CHECK(first_column(CropMode::center_floor, 7) == 1);
}
