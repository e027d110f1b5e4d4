// The golden models (tests/golden/models) have between them everything that a program can have: what is added to the
// format needs a file whose results later builds must keep. Those that no conversion makes are made here;
// INTVIT_RECORD_GOLDENS=1 writes them where there are none.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "engine/format/writer.h"
#include "engine/ops/linear.h"
#include "intvit/model.h"
#include "tests/engine/golden_files.h"
#include "tests/engine/program_features.h"
#include "tests/engine/refusals.h"
#include "tests/engine/tiny_conv.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {
namespace {

// Convolved codes, codes that are the grid itself, and rows of constants that are added to codes.
TinyProgram hand_made_conv() {
  TinyOptions options = {7, 12, 4, 12, 2, 20, 1, 9, 4};
  options.conv = true;
  options.softmax = {SoftmaxKind::relative, 40, 1};
  options.normed = {EncodeKind::uniform, 1};
  options.hidden_codes = {EncodeKind::uniform, 2};
  TinyProgram tiny = make_tiny_program(options);
  Random random(1);
  auto& qkv = op<LinearOp>(tiny, kQkv);
  qkv.init = tiny_row_constants(tiny, "qkv.init", qkv.dst, 20, random);
  return tiny;
}

TinyProgram hand_made_tables() {
  TinyOptions options = {7, 12, 4, 12, 2, 20, 1, 9, 4};
  options.softmax = {SoftmaxKind::absolute, 40, 2, 3};
  options.normed = {EncodeKind::table_with_outliers, 2, 62};
  return make_tiny_program(options);
}

void write_where_missing(const std::string& name, const TinyProgram& tiny) {
  const std::filesystem::path path = golden_models_folder() / name;
  if (std::filesystem::exists(path)) return;
  REQUIRE(write_file_atomically(path.string(), encode_model(tiny.program, {{"architecture", "hand-made"}})).ok());
}

TEST_CASE("golden models: between them, they have all that a program can have") {
  if (std::getenv("INTVIT_RECORD_GOLDENS")) {
    write_where_missing("hand_made_conv_opset4.bin", hand_made_conv());
    write_where_missing("hand_made_tables_opset4.bin", hand_made_tables());
  }
  std::set<std::string> all;
  for (const std::filesystem::path& file : golden_model_files()) {
    const auto model = Model::open(file.string());
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    all.merge(features_of(model.value()->program()));
  }
  for (const std::string& feature : all_features()) {
    CHECK_MESSAGE(all.contains(feature), "no golden model has: " << feature);
  }
  for (const std::string& feature : all) CHECK_MESSAGE(all_features().contains(feature), feature);
}

}  // namespace
}  // namespace intvit::test
