#include "converter/lower/executed.h"

#include <string>

#include "converter/lower/lowering.h"

namespace intvit {
namespace {

// What the engine lacks for a node; empty if it lacks nothing.
std::string lacking(const PatchEmbed&, const Node&) { return {}; }
std::string lacking(const Linear&, const Node&) { return {}; }
std::string lacking(const Activate&, const Node&) { return {}; }
std::string lacking(const Multiply&, const Node&) { return {}; }
std::string lacking(const MeanRows&, const Node&) { return {}; }
std::string lacking(const Rotate&, const Node&) { return "rotary positions"; }
std::string lacking(const Gather&, const Node&) { return {}; }
std::string lacking(const Copy&, const Node&) { return {}; }
std::string lacking(const LayerNorm&, const Node&) { return {}; }
std::string lacking(const Attention&, const Node&) { return {}; }

constexpr const char* kNotYet = " is not executed in integers yet";

}  // namespace

Status check_executed(const FloatNetwork& network) {
  for (const Node& node : network.nodes) {
    const std::string what = std::visit([&](const auto& kind) { return lacking(kind, node); }, node.kind);
    if (what.empty()) continue;
    return {Code::unsupported, network.architecture + ": " + what + " ('" + node.name + "')" + kNotYet +
                                   "; vitconvert reference runs the float network"};
  }
  return {};
}

void emit(const Rotate& rotate, const Node& node, Lowering& lowering) {
  lowering.refuse(node, lacking(rotate, node) + "," + kNotYet);
}

}  // namespace intvit
