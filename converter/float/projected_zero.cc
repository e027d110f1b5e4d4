#include "converter/float/projected_zero.h"

#include <algorithm>
#include <numeric>

#include "converter/float/layers.h"

namespace intvit {

std::vector<float> projected_zero(const FloatNetwork& network, TensorId id) {
  const Projection projection = projection_of(network, id);
  const int columns = network.at(id).columns;
  std::vector<float> row(static_cast<std::size_t>(columns));
  if (projection.node < 0) return row;
  if (projection.norm >= 0 && network.node(projection.norm).as<LayerNorm>()->unbiased) return row;
  const Linear& layer = *network.node(projection.node).as<Linear>();
  std::copy_n(layer.linear.bias.begin() + projection.first, columns, row.begin());
  const auto inputs = static_cast<std::ptrdiff_t>(layer.zero.size());
  for (int c = 0; c < columns; ++c) {
    const float* weights = layer.linear.weight.data() + (projection.first + c) * inputs;
    row[static_cast<std::size_t>(c)] =
        std::inner_product(layer.zero.begin(), layer.zero.end(), weights, row[static_cast<std::size_t>(c)]);
  }
  if (projection.norm < 0) return row;
  std::vector<float> normed(row.size());
  const LayerNorm& norm = *network.node(projection.norm).as<LayerNorm>();
  layer_norm(norm.norm, {norm.eps, norm.groups, norm.centred}, row.data(), 1, columns, normed.data(), 1);
  return normed;
}

}  // namespace intvit
