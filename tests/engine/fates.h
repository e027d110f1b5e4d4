// What becomes of damaged model files: refused, or run alike on every instruction set.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"

namespace intvit::test {

// Of a picture of all bytes.
std::vector<std::int32_t> logits_of_model(const std::shared_ptr<const Model>& model, Isa isa, int threads = 1);

// Counts what becomes of damaged files. A file that is accepted must run, and alike on every instruction set.
struct Fates {
  int refused = 0, ran = 0, too_large = 0;

  void judge(const std::vector<std::uint8_t>& bytes);
};

}  // namespace intvit::test
