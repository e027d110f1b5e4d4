// Converted models of every family, as they are and changed at random (tests/engine/mutate_program.h), judged as in
// tests/engine/judge_program.h. They are the golden models of small networks.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "intvit/model.h"
#include "tests/engine/golden_files.h"
#include "tests/engine/judge_program.h"
#include "tests/engine/mutate_program.h"

namespace intvit::test {
namespace {

struct ConvertedModel {
  std::string name;
  std::shared_ptr<const Model> model;
};

// Those of the demo network take a plain execution too long.
std::vector<ConvertedModel> small_models() {
  std::vector<ConvertedModel> models;
  for (const std::filesystem::path& file : golden_model_files()) {
    if (file.filename().string().starts_with("demo_")) continue;
    auto model = Model::open(file.string());
    REQUIRE_MESSAGE(model.ok(), model.status().message());
    models.push_back({file.stem().string(), model.take()});
  }
  REQUIRE(models.size() >= 19);
  return models;
}

// Its constants are the model's until they are changed.
GeneratedFile changed_model(const ConvertedModel& converted, Random& random) {
  TinyProgram program;
  program.program = converted.model->program();
  GeneratedFile file;
  file.name = converted.name;
  const std::int64_t changes = std::max<std::int64_t>(random.integer(-1, 3), 0);
  for (std::int64_t i = 0; i < changes; ++i) file.changes += mutate_program(program, random) + "; ";
  if (random.chance(50)) show_buffers(program.program);
  file.bytes = encode_model(program.program, {{"architecture", converted.name}});
  if (random.chance(10)) flip_bit(file.bytes, random), file.changes += "a bit; ";
  return file;
}

TEST_CASE("generated families: changed models run as the plain execution on every instruction set") {
  const std::vector<ConvertedModel> models = small_models();
  const auto last = static_cast<std::int64_t>(models.size()) - 1;
  judge_programs(150, [&](Random& random) {
    return changed_model(models[static_cast<std::size_t>(random.integer(0, last))], random);
  });
}

}  // namespace
}  // namespace intvit::test
