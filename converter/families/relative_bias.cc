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

std::vector<float> relative_bias_with_class(std::span<const float> table, int heads, int height, int width) {
  const std::size_t count = static_cast<std::size_t>(heads), patches = static_cast<std::size_t>(height * width);
  const std::span<const float> of_class = table.last(3 * count);
  const std::vector<float> inner = relative_bias(table.first(table.size() - 3 * count), heads, height, width);
  std::vector<float> bias;
  bias.reserve(count * (patches + 1) * (patches + 1));
  for (std::size_t head = 0; head < count; ++head) {
    bias.push_back(of_class[2 * count + head]);
    bias.insert(bias.end(), patches, of_class[head]);
    for (std::size_t query = 0; query < patches; ++query) {
      bias.push_back(of_class[count + head]);
      const auto row = inner.begin() + static_cast<std::ptrdiff_t>((head * patches + query) * patches);
      bias.insert(bias.end(), row, row + static_cast<std::ptrdiff_t>(patches));
    }
  }
  return bias;
}

}  // namespace intvit
