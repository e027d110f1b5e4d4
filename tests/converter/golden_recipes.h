// How the models of small networks in tests/golden/models were made: each family's network, and every kind of codes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "converter/convert/convert.h"

namespace intvit {

struct GoldenRecipe {
  std::string name;  // of the file, but for op set and suffix
  FloatNetwork network;
  ConvertOptions options;
};

std::vector<GoldenRecipe> golden_recipes();

// The model file, on the calibration pictures that all recipes share. Where bits of floats differ between instruction
// sets, so may the file.
std::vector<std::uint8_t> made_from(const GoldenRecipe& recipe);

}  // namespace intvit
