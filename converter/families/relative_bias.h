// What attention adds to the scores of two tokens because of where they lie to each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace intvit {

// Values of biases that a network may have in all, over its blocks: checked before any is made.
constexpr std::int64_t kMostBiases = std::int64_t{1} << 29;

// `table` is [2 * height - 1][2 * width - 1][heads]: by how many rows, and columns, the query lies behind the key.
// Returns [heads][height * width][height * width]: of each head for each query and key, which lie row by row.
std::vector<float> relative_bias(std::span<const float> table, int heads, int height, int width);

// The same of a map of patches behind a class token. The table's last three rows are what the class adds as a query, as
// a key, and as both. Returns [heads][1 + height * width][1 + height * width].
std::vector<float> relative_bias_with_class(std::span<const float> table, int heads, int height, int width);

}  // namespace intvit
