// Which outputs a network is built with.
#pragma once

#include <string>
#include <vector>

namespace intvit {

struct OutputChoice {
  // `logits`, `embedding`, `tokens`, `features`. Empty: what the network is for: `logits` of a classifier, `embedding`
  // and `tokens` of a network without a head.
  std::vector<std::string> ports;
  // Blocks whose patch tokens are given as maps, too, each behind the final norm: `features.N`. Counted from 0.
  std::vector<int> layers;
};

}  // namespace intvit
