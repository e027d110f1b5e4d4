// Positions on another grid, against sums over all of the table and numbers that are known.
#include "converter/families/vit/resize_positions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tests/converter/checkpoints.h"
#include "tests/converter/network_parts.h"

using namespace intvit;
using namespace intvit::checkpoints;

namespace {

std::vector<float> some_table(const Grid& grid, int channels) {
  std::vector<float> table;
  for (int i = 0; i < grid.height * grid.width * channels; ++i) table.push_back(static_cast<float>(std::sin(i * 1.7)));
  return table;
}

// Keys' cubic with another parameter, in its textbook form.
double keys(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return (a + 2) * std::pow(x, 3) - (a + 3) * std::pow(x, 2) + 1;
  return x < 2 ? a * std::pow(x, 3) - 5 * a * std::pow(x, 2) + 8 * a * x - 4 * a : 0;
}

// The weight of table entry `i` for output `o`, where entries beyond the border are those at it.
double four_tap_weight(int i, int length, int o, double scale) {
  const double at = (o + 0.5) * scale - 0.5;
  double weight = 0;
  for (int s = -4; s < length + 4; ++s) {
    if (std::min(std::max(s, 0), length - 1) == i) weight += keys(s - at, -0.75);
  }
  return weight;
}

double wide_weight(int i, int length, int o, double scale) {
  const double at = (o + 0.5) * scale - 0.5, wide = std::max(scale, 1.0);
  double sum = 0;
  for (int s = 0; s < length; ++s) sum += keys((s - at) / wide, -0.5);
  return keys((i - at) / wide, -0.5) / sum;
}

double weight_of(int i, int length, int o, int outputs, PositionResize how) {
  if (how == PositionResize::bicubic_antialiased)
    return wide_weight(i, length, o, length / static_cast<double>(outputs));
  const double rest = how == PositionResize::bicubic_by_factor ? 0.1 : 0;
  return four_tap_weight(i, length, o, length / (outputs + rest));
}

}  // namespace

TEST_CASE("resize_positions: is the sum over all of the table, for every library and direction") {
  const Grid from = {5, 7};
  const int channels = 3;
  const std::vector<float> table = some_table(from, channels);
  for (const PositionResize how :
       {PositionResize::bicubic, PositionResize::bicubic_antialiased, PositionResize::bicubic_by_factor}) {
    for (const Grid to : {Grid{3, 4}, {9, 7}, {5, 16}, {1, 1}, {4, 20}}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(to.height);
      const std::vector<float> got = resize_positions(table, channels, from, to, how);
      REQUIRE(got.size() == static_cast<std::size_t>(to.height * to.width * channels));
      for (int y = 0; y < to.height; ++y) {
        for (int x = 0; x < to.width; ++x) {
          for (int c = 0; c < channels; ++c) {
            double expected = 0;
            for (int v = 0; v < from.height; ++v) {
              for (int u = 0; u < from.width; ++u) {
                expected += weight_of(v, from.height, y, to.height, how) * weight_of(u, from.width, x, to.width, how) *
                            table[static_cast<std::size_t>((v * from.width + u) * channels + c)];
              }
            }
            REQUIRE(got[static_cast<std::size_t>((y * to.width + x) * channels + c)] ==
                    doctest::Approx(expected).epsilon(1e-5));
          }
        }
      }
    }
  }
}

TEST_CASE("resize_positions: the same grid is the same table, and constants stay constants") {
  const std::vector<float> table = some_table({4, 3}, 2);
  CHECK(resize_positions(table, 2, {4, 3}, {4, 3}, PositionResize::bicubic_by_factor) == table);
  for (const float v : resize_positions(std::vector<float>(9, 2.5f), 1, {3, 3}, {7, 2}, PositionResize::bicubic)) {
    CHECK(v == doctest::Approx(2.5));
  }
}

TEST_CASE("load_network: another input size resizes the positions of the patches only") {
  const TensorMap tensors = tensors_of(tiny_description());
  const TempFolder folder;
  folder.write("model.safetensors", safetensors(tensors));
  folder.write("config.json", kTinyConfig);
  std::vector<std::string> notes;
  const auto network = load_network(folder.path(), &notes, {}, {12, 16});
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  CHECK(network.value().preprocessing.height == 12);
  CHECK(network.value().preprocessing.width == 16);
  const std::vector<float>& init = token_init_of(network.value());
  REQUIRE(init.size() == 13 * 16);
  const std::vector<float>& positions = tensors.at("pos_embed").values;
  CHECK(init[5] == tensors.at("cls_token").values[5] + positions[5]);
  const std::vector<float> expected =
      resize_positions(std::span(positions).subspan(16), 16, {2, 2}, {3, 4}, PositionResize::bicubic_antialiased);
  CHECK(std::vector<float>(init.begin() + 16, init.end()) == expected);
  REQUIRE(!notes.empty());
  CHECK(contains(notes.back(), "from a 2x2 grid to 3x4"));
  check_load_fails(load_network(folder.path(), nullptr, {}, {10, 8}), Code::unsupported, {"patch_size 4", "10x8"});
}
