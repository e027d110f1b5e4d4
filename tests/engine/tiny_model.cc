#include "tests/engine/tiny_model.h"

#include <doctest/doctest.h>

namespace intvit::test {

std::shared_ptr<const Model> tiny_model(const TinyOptions& options) {
  Result<std::shared_ptr<const Model>> model = Model::from_memory(tiny_model_bytes(options), "tiny");
  INFO(model.status().message());
  REQUIRE(model.ok());
  return model.take();
}

}  // namespace intvit::test
