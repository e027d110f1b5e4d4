#include "converter/families/relative_bias.h"

#include <cstddef>

namespace intvit {

std::vector<float> relative_bias(std::span<const float> table, int heads, int height, int width) {
  const int tokens = height * width;
  std::vector<float> bias;
  bias.reserve(static_cast<std::size_t>(heads) * static_cast<std::size_t>(tokens) * static_cast<std::size_t>(tokens));
  for (int head = 0; head < heads; ++head) {
    for (int query = 0; query < tokens; ++query) {
      for (int key = 0; key < tokens; ++key) {
        const int down = query / width - key / width + height - 1, across = query % width - key % width + width - 1;
        bias.push_back(table[static_cast<std::size_t>((down * (2 * width - 1) + across) * heads + head)]);
      }
    }
  }
  return bias;
}

}  // namespace intvit
