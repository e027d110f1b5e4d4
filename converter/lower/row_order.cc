#include "converter/lower/row_order.h"

namespace intvit {
namespace {

// What the rows of a tensor that node `index` writes would best lie in.
RowOrder wanted(const FloatNetwork& network, std::size_t index, TensorId id) {
  for (std::size_t i = index + 1; i < network.nodes.size() && network.nodes[i].as<Gather>() == nullptr; ++i) {
    const auto* attention = network.nodes[i].as<Attention>();
    if (attention == nullptr) continue;
    const bool fits = attention->windows && attention->windows->tokens() == network.at(id).rows &&
                      attention->windows->shift_down == 0 && attention->windows->shift_right == 0 &&
                      !attention->windows->has_pads() && attention->windows->windows() > 1;
    return fits ? RowOrder(expand(*attention->windows).rows) : RowOrder();
  }
  return {};
}

}  // namespace

RowOrder::RowOrder(std::vector<std::int32_t> tokens) {
  auto rows = std::make_shared<Rows>();
  rows->rows.resize(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    rows->rows[static_cast<std::size_t>(tokens[i])] = static_cast<std::int32_t>(i);
  }
  rows->tokens = std::move(tokens);
  rows_ = std::move(rows);
}

std::vector<std::int32_t> RowOrder::from_natural(int count) const {
  std::vector<std::int32_t> map;
  for (std::int32_t i = 0; i < count; ++i) map.push_back(token(i));
  return map;
}

std::vector<std::int32_t> RowOrder::to_natural(int count) const {
  std::vector<std::int32_t> map;
  for (std::int32_t i = 0; i < count; ++i) map.push_back(row(i));
  return map;
}

std::vector<RowOrder> row_orders(const FloatNetwork& network) {
  std::vector<RowOrder> orders(network.tensors.size());
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    if (node.inputs.empty()) continue;
    const TensorId in = node.inputs[0];
    for (const TensorId out : node.outputs) {
      RowOrder& order = orders[static_cast<std::size_t>(out)];
      const bool begins = node.as<LayerNorm>() != nullptr && addend(node) < 0 &&
                          network.at(out).role == Role::residual && orders[static_cast<std::size_t>(in)].is_natural();
      if (begins || node.as<Gather>() != nullptr) {
        order = wanted(network, i, out);
      } else if (network.at(out).rows == network.at(in).rows) {
        order = orders[static_cast<std::size_t>(in)];
      }
    }
  }
  return orders;
}

}  // namespace intvit
