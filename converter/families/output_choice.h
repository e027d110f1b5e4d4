// Which outputs a network is built with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "converter/families/class_texts.h"

namespace intvit {

struct OutputChoice {
  // `logits`, `embedding`, `tokens`, `features`. Empty: what the network is for: `logits` of a classifier, `embedding`
  // and `tokens` of a network without a head.
  std::vector<std::string> ports;
  // Blocks whose patch tokens are given as maps, too, each behind the final norm: `features.N`. Counted from 0.
  std::vector<int> layers;
  // Gives an encoder `logits`, and `embedding`, by whose L2 norm they are still to be divided (ZeroShot, network.h).
  std::optional<ClassTexts> texts = {};
};

}  // namespace intvit
