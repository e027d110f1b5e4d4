#include "tools/common/results/outputs.h"

#include <cmath>

namespace intvit {

std::vector<std::size_t> shape_of(const Port& port) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  if (port.grid_height > 0) return {size(port.grid_height), size(port.grid_width), size(port.columns)};
  if (port.kind == PortKind::logits || port.kind == PortKind::embedding) return {size(port.columns)};
  return {size(port.rows), size(port.columns)};
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string text;
  for (const std::size_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

double l2_norm(std::span<const float> values) {
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  return std::sqrt(square);
}

std::vector<RealValues> real_outputs(const Session& session, int index) {
  std::vector<RealValues> outputs;
  const std::vector<Port>& ports = session.model().outputs();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    outputs.emplace_back(ports[i].count());
    copy_real_values(ports[i], session.output(index, i), outputs.back().data());
  }
  return outputs;
}

LogitMeaning logit_meaning(const LogitRule& rule, const std::vector<RealValues>& outputs) {
  return rule.of_norm(rule.divisor ? l2_norm(outputs[*rule.divisor]) : 1);
}

}  // namespace intvit
