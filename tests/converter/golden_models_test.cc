// Recipes of the small golden models (tests/golden/models, whose README says what they are for): each still makes a
// model with what its file has. A recipe whose conversion is meant to change gets another name, so that its file stays.
// INTVIT_RECORD_GOLDENS=1 writes the files of recipes that have none.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "engine/format/layout.h"
#include "engine/format/writer.h"
#include "intvit/model.h"
#include "tests/converter/golden_recipes.h"
#include "tests/engine/program_features.h"

using namespace intvit;

namespace {

// NAME_opsetN.bin, of whatever op set it is; empty where there is none.
std::string golden_model_file(const std::string& name) {
  for (int op_set = 2; op_set <= static_cast<int>(kOpSet); ++op_set) {
    const std::string path =
        std::string(INTVIT_GOLDEN_DIR) + "/models/" + name + "_opset" + std::to_string(op_set) + ".bin";
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

void record_model(const std::string& name, const std::vector<std::uint8_t>& file) {
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  const std::string path =
      std::string(INTVIT_GOLDEN_DIR) + "/models/" + name + "_opset" + std::to_string(header.op_set) + ".bin";
  REQUIRE(write_file_atomically(path, file).ok());
}

}  // namespace

TEST_CASE("golden models: every recipe makes a model with what its file has") {
  for (const GoldenRecipe& recipe : golden_recipes()) {
    CAPTURE(recipe.name);
    const std::vector<std::uint8_t> file = made_from(recipe);
    if (std::getenv("INTVIT_RECORD_GOLDENS") && golden_model_file(recipe.name).empty()) record_model(recipe.name, file);
    const auto made = Model::from_memory(file, "made"), recorded = Model::open(golden_model_file(recipe.name));
    REQUIRE_MESSAGE(made.ok(), made.status().message());
    REQUIRE_MESSAGE(recorded.ok(), recorded.status().message());
    CHECK(test::features_of(made.value()->program()) == test::features_of(recorded.value()->program()));
  }
}
