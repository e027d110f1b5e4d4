#include "tools/common/results/outputs.h"

#include <cmath>

#include "engine/format/checksum.h"

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

std::uint64_t outputs_digest(const Session& session, int index) {
  std::uint64_t digest = 0;
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < session.model().outputs().size(); ++i) {
    const OutputView output = session.output(index, i);
    const int bits = 8 * static_cast<int>(byte_size(output.type));
    bytes.clear();
    for (int r = 0; r < output.rows; ++r) {
      for (int c = 0; c < output.columns; ++c) {
        const auto value = static_cast<std::uint32_t>(output.at(r, c));
        for (int shift = 0; shift < bits; shift += 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
      }
    }
    digest = checksum64(bytes, digest);
  }
  return digest;
}

}  // namespace intvit
