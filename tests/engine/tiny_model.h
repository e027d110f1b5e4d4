// Tiny programs as loaded models.
#pragma once

#include <memory>

#include "intvit/model.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

// Fails the running test if it cannot be loaded.
std::shared_ptr<const Model> tiny_model(const TinyOptions& options = {});

}  // namespace intvit::test
