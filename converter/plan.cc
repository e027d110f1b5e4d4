#include "converter/plan.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const UniformScheme& scheme) {
  return {{"bits", scheme.bits}, {"scale", scheme.scale}, {"zero_point", scheme.zero_point}};
}

bool read_number(const Json& object, const char* key, double low, double high, double& value) {
  const auto field = object.find(key);
  if (field == object.end() || !field->is_number()) return false;
  value = field->get<double>();
  return std::isfinite(value) && value >= low && value <= high;
}

bool read_scheme(const Json& object, UniformScheme& scheme) {
  double bits = 0, scale = 0, zero_point = 0;
  if (!object.is_object() || !read_number(object, "bits", 2, 8, bits) ||
      !read_number(object, "scale", 1e-12, 1e12, scale) || !read_number(object, "zero_point", 0, 255, zero_point)) {
    return false;
  }
  scheme = {static_cast<int>(bits), scale, static_cast<int>(zero_point)};
  return scheme.bits == bits && scheme.zero_point == zero_point && scheme.zero_point < 1 << scheme.bits;
}

}  // namespace

std::string layer_name(Layer layer, int block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  switch (layer) {
    case Layer::patch_embed:
      return "patch_embed";
    case Layer::qkv:
      return prefix + "attn.qkv";
    case Layer::proj:
      return prefix + "attn.proj";
    case Layer::fc1:
      return prefix + "mlp.fc1";
    case Layer::fc2:
      return prefix + "mlp.fc2";
    case Layer::head:
      return "head";
  }
  return "unknown";
}

std::string plan_to_json(const Plan& plan) {
  Json root;
  root["method"] = plan.method;
  root["residual_magnitude"] = plan.residual_magnitude;
  root["magnitudes"] = plan.magnitudes;
  for (const auto& [name, schemes] : plan.activations) {
    Json list = Json::array();
    for (const UniformScheme& scheme : schemes) list.push_back(to_json(scheme));
    root["activations"][name] = list;
  }
  for (const auto& [name, scheme] : plan.weights) {
    root["weights"][name] = {{"bits", scheme.bits}, {"range", scheme.range == WeightRange::max ? "max" : "mse"}};
  }
  return root.dump(1) + "\n";
}

Result<Plan> plan_from_json(const std::string& text, const std::string& name) {
  const auto bad = [&](const std::string& what) {
    return Status(Code::invalid_argument, "plan '" + name + "': " + what + "; print a valid one with --write-plan");
  };
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object()) return bad("it is not a JSON object");
  Plan plan;
  if (const auto method = root.find("method"); method != root.end() && method->is_string()) plan.method = *method;
  if (!read_number(root, "residual_magnitude", 1e-9, 1e9, plan.residual_magnitude)) {
    return bad("'residual_magnitude' must be a positive number");
  }
  for (const char* key : {"magnitudes", "activations", "weights"}) {
    if (!root.contains(key) || !root[key].is_object()) return bad(std::string("'") + key + "' must be an object");
  }
  for (const auto& [site, value] : root["magnitudes"].items()) {
    if (!value.is_number() || !(value.get<double>() > 0)) return bad("magnitude of '" + site + "' must be positive");
    plan.magnitudes[site] = value.get<double>();
  }
  for (const auto& [site, list] : root["activations"].items()) {
    if (!list.is_array() || list.empty()) return bad("activation '" + site + "' must be a list of schemes");
    for (const auto& [index, scheme] : list.items()) {
      UniformScheme parsed;
      if (!read_scheme(scheme, parsed)) {
        return bad("activation '" + site + "', scheme " + index +
                   " needs bits in 2..8, a positive scale and a zero_point below 2^bits");
      }
      plan.activations[site].push_back(parsed);
    }
  }
  for (const auto& [layer, scheme] : root["weights"].items()) {
    double bits = 0;
    const bool valid = scheme.is_object() && read_number(scheme, "bits", 4, 8, bits) && (bits == 4 || bits == 8) &&
                       scheme.contains("range") && (scheme["range"] == "max" || scheme["range"] == "mse");
    if (!valid) return bad("weights of '" + layer + "' need bits 4 or 8 and range max or mse");
    plan.weights[layer] = {static_cast<int>(bits), scheme["range"] == "max" ? WeightRange::max : WeightRange::mse};
  }
  return plan;
}

}  // namespace intvit
