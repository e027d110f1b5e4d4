#include "tests/engine/fates.h"

#include <doctest/doctest.h>

#include <span>

#include "engine/program/program.h"
#include "intvit/session.h"

namespace intvit::test {

std::vector<std::int32_t> logits_of_model(const std::shared_ptr<const Model>& model, Isa isa, int threads) {
  Result<std::unique_ptr<Session>> session = Session::create(model, {threads, 1, isa, false});
  REQUIRE(session.ok());
  const InputGeometry& in = model->program().input;
  std::uint8_t* pixels = session.value()->picture(0);
  for (std::size_t i = 0; i < std::size_t{in.height} * in.width * 3; ++i) pixels[i] = static_cast<std::uint8_t>(37 * i);
  session.value()->run();
  const auto logits = session.value()->logits(0);
  return {logits.begin(), logits.end()};
}

void Fates::judge(const std::vector<std::uint8_t>& bytes) {
  const auto model = Model::from_memory(bytes, "test");
  if (!model.ok()) {
    ++refused;
    CHECK(!model.status().message().empty());
    CHECK((model.status().code() == Code::corrupt_file || model.status().code() == Code::unsupported));
    return;
  }
  if (model.value()->program().arena_bytes + model.value()->program().kept_bytes > std::uint64_t{16} << 20) {
    ++too_large;
    return;
  }
  ++ran;
  const std::vector<std::int32_t> scalar = logits_of_model(model.value(), Isa::scalar);
  // Starting threads takes longer than the whole model.
  CHECK(logits_of_model(model.value(), best_isa(), ran % 16 == 0 ? 2 : 1) == scalar);
}

}  // namespace intvit::test
