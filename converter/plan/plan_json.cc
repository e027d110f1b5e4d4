// Plans as JSON: what --write-plan prints and --plan reads. Every number that a file brings is checked here against
// what the schemes allow; whether a plan fits a network is lower/check_plan.h's question.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "converter/plan/plan.h"
#include "kernels/aside/aside.h"

namespace intvit {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMostParts = 1 << 16;

// The first thing that is wrong, with its place.
class PlanReader {
 public:
  explicit PlanReader(std::string name) : name_(std::move(name)) {}

  Status status() const { return status_; }
  bool ok() const { return status_.ok(); }

  void fail(const std::string& what) {
    if (!status_.ok()) return;
    status_ = {Code::invalid_argument, "plan '" + name_ + "': " + what + "; print a valid one with --write-plan"};
  }

  double number(const OrderedJson& object, const char* key, double low, double high, const std::string& place) {
    const auto field = object.is_object() ? object.find(key) : object.end();
    if (field == object.end() || !field->is_number()) {
      fail(place + " needs a number '" + key + "'");
      return low;
    }
    const auto value = field->get<double>();
    if (!std::isfinite(value) || value < low || value > high) {
      fail(place + ": '" + key + "' is " + field->dump() + ", must be in " + OrderedJson(low).dump() + ".." +
           OrderedJson(high).dump());
      return low;
    }
    return value;
  }

  int integer(const OrderedJson& object, const char* key, int low, int high, const std::string& place) {
    const double value = number(object, key, low, high, place);
    if (value != std::floor(value)) fail(place + ": '" + key + "' must be whole");
    return static_cast<int>(value);
  }

  std::vector<double> numbers(const OrderedJson& object, const char* key, std::size_t fewest, std::size_t most,
                              double low, double high, const std::string& place) {
    std::vector<double> values;
    const auto field = object.is_object() ? object.find(key) : object.end();
    if (field == object.end() || !field->is_array() || field->size() < fewest || field->size() > most) {
      fail(place + " needs " + std::to_string(fewest) + " to " + std::to_string(most) + " numbers '" + key + "'");
      return values;
    }
    for (const OrderedJson& value : *field) {
      if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() < low ||
          value.get<double>() > high) {
        fail(place + ": '" + key + "' contains " + value.dump());
        return values;
      }
      values.push_back(value.get<double>());
    }
    return values;
  }

  UniformScheme grid(const OrderedJson& object, int most_bits, const std::string& place) {
    UniformScheme scheme;
    scheme.bits = integer(object, "bits", 2, most_bits, place);
    scheme.scale = number(object, "scale", 1e-12, 1e12, place);
    scheme.zero_point = integer(object, "zero_point", 0, (1 << scheme.bits) - 1, place);
    return scheme;
  }

  TableScheme table(const OrderedJson& object, int bits, const std::string& place) {
    TableScheme table;
    const std::size_t most = std::size_t{1} << bits;
    table.levels = numbers(object, "levels", 2, most, -1e12, 1e12, place);
    if (!ok()) return table;
    table.thresholds =
        numbers(object, "thresholds", table.levels.size() - 1, table.levels.size() - 1, -1e12, 1e12, place);
    if (!std::is_sorted(table.levels.begin(), table.levels.end()) ||
        !std::is_sorted(table.thresholds.begin(), table.thresholds.end())) {
      fail(place + ": levels and thresholds must ascend");
    }
    return table;
  }

  const OrderedJson& member(const OrderedJson& object, const char* key, const std::string& place) {
    static const OrderedJson kNothing;
    const auto field = object.is_object() ? object.find(key) : object.end();
    if (field != object.end()) return *field;
    fail(place + " needs '" + std::string(key) + "'");
    return kNothing;
  }

  void read_side(const OrderedJson& object, const std::string& place, ActivationScheme& scheme) {
    if (!object.contains("side")) return;
    scheme.side = integer(object, "side", 1, kernels::kMostAside, place);
    if (object.contains("reach")) scheme.reach = number(object, "reach", 0, 1e12, place);
  }

  ActivationScheme activation(const OrderedJson& object, const std::string& place) {
    ActivationScheme scheme;
    if (!object.is_object()) {
      fail(place + " must be an object");
      return scheme;
    }
    if (!object.contains("kind")) {
      scheme = uniform(grid(object, 8, place));
      read_side(object, place, scheme);
      return scheme;
    }
    const OrderedJson& kind = object["kind"];
    scheme.bits = integer(object, "bits", 2, 8, place);
    scheme.grid = grid(member(object, "grid", place), 12, place + " grid");
    if (object.contains("outlier")) scheme.outlier = number(object, "outlier", 0, 1e12, place);
    read_side(object, place, scheme);
    if (kind == "table") {
      scheme.kind = CodeKind::table;
      scheme.table = table(object, scheme.bits, place);
    } else if (kind == "dynamic_token") {
      scheme.kind = CodeKind::dynamic_token;
    } else if (kind == "token" || kind == "channel_groups") {
      scheme.kind = kind == "token" ? CodeKind::token : CodeKind::channel_groups;
      const OrderedJson& parts = member(object, "parts", place);
      if (!parts.is_array() || parts.empty() || parts.size() > kMostParts) fail(place + ": 'parts' must be a list");
      for (const OrderedJson& part : parts) {
        if (!ok()) break;
        scheme.parts.push_back(grid(part, 8, place + " part"));
        if (scheme.parts.back().bits != scheme.bits) fail(place + ": parts must have the scheme's bits");
      }
    } else {
      fail(place + ": kind " + kind.dump() + " is not one of token, dynamic_token, channel_groups, table");
    }
    return scheme;
  }

  SoftmaxScheme softmax(const OrderedJson& object, const std::string& place) {
    SoftmaxScheme scheme;
    const OrderedJson& codes = member(object, "codes", place);
    if (codes == "exponential") return scheme;
    if (codes != "relative" && codes != "absolute") fail(place + ": codes must be exponential, relative or absolute");
    scheme.codes = codes == "relative" ? SoftmaxKind::relative : SoftmaxKind::absolute;
    scheme.bits = integer(object, "bits", 2, 8, place);
    scheme.value_bits = integer(object, "value_bits", 8, 12, place);
    const OrderedJson& tables = member(object, "tables", place);
    if (!tables.is_array() || tables.empty() || tables.size() > kMostParts) fail(place + ": 'tables' must be a list");
    for (const OrderedJson& one : tables) {
      if (!ok()) break;
      scheme.tables.push_back(table(one, scheme.bits, place));
      if (!ok()) break;
      if (scheme.tables.back().levels.front() < 0 || scheme.tables.back().levels.back() > 1 ||
          !(scheme.tables.back().levels.back() > 0)) {
        fail(place + ": levels of probabilities must be in 0..1");
      }
    }
    if (scheme.codes == SoftmaxKind::absolute) scheme.bounds = numbers(object, "bounds", 1, 64, 1e-6, 1, place);
    if (!std::is_sorted(scheme.bounds.begin(), scheme.bounds.end())) fail(place + ": bounds must ascend");
    return scheme;
  }

  ResidualScheme residual(const OrderedJson& object, const std::string& place) {
    ResidualScheme scheme;
    scheme.bits = integer(object, "bits", 4, 12, place);
    scheme.step = number(object, "step", 1e-12, 1e12, place);
    scheme.coarse_shift = integer(object, "coarse_shift", 0, 10, place);
    for (const double c : numbers(object, "coarse_channels", 0, kMostParts, 0, kMostParts, place)) {
      scheme.coarse_channels.push_back(static_cast<int>(c));
    }
    return scheme;
  }

  WeightScheme weights(const OrderedJson& object, const std::string& place) {
    WeightScheme scheme;
    scheme.bits = integer(object, "bits", 2, 8, place);
    const OrderedJson& range = member(object, "range", place);
    if (range != "max" && range != "mse") fail(place + ": range must be max or mse");
    scheme.range = range == "max" ? WeightRange::max : WeightRange::mse;
    return scheme;
  }

  // Calls read(name, value) for every entry of the object `key`.
  template <typename Read>
  void each(const OrderedJson& root, const char* key, bool required, const Read& read) {
    const auto found = root.find(key);
    if (found == root.end() && !required) return;
    if (found == root.end() || !found->is_object()) return fail("'" + std::string(key) + "' must be an object");
    for (const auto& [name, value] : found->items()) {
      if (!ok()) return;
      read(name, value);
    }
  }

 private:
  std::string name_;
  Status status_;
};

// A null value that becomes an array or an object by its first element is left half made where memory ends, and
// crashes when it is destroyed. So each is made as what it is.
template <typename List, typename Make>
OrderedJson list_of(const List& list, const Make& make) {
  OrderedJson array = OrderedJson::array();
  for (const auto& element : list) array.push_back(make(element));
  return array;
}

template <typename Map, typename Make>
void add_by_name(OrderedJson& root, const char* key, const Map& map, const Make& make) {
  if (map.empty()) return;
  OrderedJson object = OrderedJson::object();
  for (const auto& [name, value] : map) object[name] = make(value);
  root[key] = std::move(object);
}

OrderedJson to_json(const UniformScheme& scheme) {
  return {{"bits", scheme.bits}, {"scale", scheme.scale}, {"zero_point", scheme.zero_point}};
}

OrderedJson to_json(const ActivationScheme& scheme) {
  const auto add_side = [&](OrderedJson json) {
    if (scheme.side > 0) json["side"] = scheme.side;
    if (scheme.side > 0 && scheme.reach > 0) json["reach"] = scheme.reach;
    return json;
  };
  if (scheme.kind == CodeKind::uniform) return add_side(to_json(scheme.grid));
  constexpr const char* kNames[] = {"uniform", "table", "token", "dynamic_token", "channel_groups"};
  OrderedJson json = {
      {"kind", kNames[static_cast<int>(scheme.kind)]}, {"bits", scheme.bits}, {"grid", to_json(scheme.grid)}};
  if (scheme.outlier > 0) json["outlier"] = scheme.outlier;
  json = add_side(json);
  if (scheme.kind == CodeKind::table) {
    json["levels"] = scheme.table.levels;
    json["thresholds"] = scheme.table.thresholds;
  }
  if (!scheme.parts.empty())
    json["parts"] = list_of(scheme.parts, [](const UniformScheme& part) { return to_json(part); });
  return json;
}

OrderedJson to_json(const SoftmaxScheme& scheme) {
  if (scheme.codes == SoftmaxKind::exponential) return {{"codes", "exponential"}};
  OrderedJson json = {{"codes", scheme.codes == SoftmaxKind::relative ? "relative" : "absolute"},
                      {"bits", scheme.bits},
                      {"value_bits", scheme.value_bits}};
  if (!scheme.tables.empty()) {
    json["tables"] = list_of(scheme.tables, [](const TableScheme& table) -> OrderedJson {
      return {{"levels", table.levels}, {"thresholds", table.thresholds}};
    });
  }
  if (scheme.codes == SoftmaxKind::absolute) json["bounds"] = scheme.bounds;
  return json;
}

OrderedJson to_json(const ResidualScheme& scheme) {
  return {{"bits", scheme.bits},
          {"step", scheme.step},
          {"coarse_shift", scheme.coarse_shift},
          {"coarse_channels", scheme.coarse_channels}};
}

}  // namespace

std::string plan_to_json(const Plan& plan) {
  OrderedJson root = OrderedJson::object();
  root["method"] = plan.method;
  root["residual_magnitude"] = plan.residual_magnitude;
  root["magnitudes"] = plan.magnitudes;
  add_by_name(root, "activations", plan.activations, [](const std::vector<ActivationScheme>& schemes) {
    return list_of(schemes, [](const ActivationScheme& scheme) { return to_json(scheme); });
  });
  add_by_name(root, "softmax", plan.softmax, [](const SoftmaxScheme& scheme) { return to_json(scheme); });
  add_by_name(root, "residuals", plan.residuals, [](const ResidualScheme& scheme) { return to_json(scheme); });
  add_by_name(root, "equalisations", plan.equalisations, [](const Equalisation& e) {
    OrderedJson json = {{"scale", e.scale}, {"offset", e.offset}};
    if (!e.rotate.empty()) json["rotate"] = list_of(e.rotate, [](bool head) { return OrderedJson(head); });
    return json;
  });
  add_by_name(root, "weights", plan.weights, [](const WeightScheme& scheme) -> OrderedJson {
    return {{"bits", scheme.bits}, {"range", scheme.range == WeightRange::max ? "max" : "mse"}};
  });
  return root.dump(1) + "\n";
}

Result<Plan> plan_from_json(const std::string& text, const std::string& name) {
  PlanReader reader(name);
  const OrderedJson root = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  Plan plan;
  if (root.is_discarded() || !root.is_object()) {
    reader.fail("it is not a JSON object");
    return reader.status();
  }
  if (const auto method = root.find("method"); method != root.end() && method->is_string()) plan.method = *method;
  plan.residual_magnitude = reader.number(root, "residual_magnitude", 1e-9, 1e9, "the plan");
  reader.each(root, "magnitudes", true, [&](const std::string& site, const OrderedJson& value) {
    if (!value.is_number() || !(value.get<double>() > 0))
      return reader.fail("magnitude of '" + site + "' must be positive");
    plan.magnitudes[site] = value.get<double>();
  });
  reader.each(root, "activations", true, [&](const std::string& site, const OrderedJson& list) {
    if (!list.is_array() || list.empty()) return reader.fail("activation '" + site + "' must be a list of schemes");
    for (const auto& [index, scheme] : list.items()) {
      plan.activations[site].push_back(reader.activation(scheme, "activation '" + site + "', scheme " + index));
    }
  });
  reader.each(root, "softmax", false, [&](const std::string& site, const OrderedJson& scheme) {
    plan.softmax[site] = reader.softmax(scheme, "softmax '" + site + "'");
  });
  reader.each(root, "residuals", false, [&](const std::string& site, const OrderedJson& scheme) {
    plan.residuals[site] = reader.residual(scheme, "residual '" + site + "'");
  });
  reader.each(root, "equalisations", false, [&](const std::string& site, const OrderedJson& e) {
    const std::string place = "equalisation '" + site + "'";
    plan.equalisations[site] = {reader.numbers(e, "scale", 1, kMostParts, 1e-12, 1e12, place),
                                reader.numbers(e, "offset", 1, kMostParts, -1e12, 1e12, place)};
    if (!e.is_object() || !e.contains("rotate")) return;
    if (!e["rotate"].is_array()) return reader.fail(place + ": 'rotate' must be a list of booleans");
    for (const OrderedJson& head : e["rotate"]) {
      if (!head.is_boolean()) return reader.fail(place + ": 'rotate' must be a list of booleans");
      plan.equalisations[site].rotate.push_back(head.get<bool>());
    }
  });
  reader.each(root, "weights", true, [&](const std::string& layer, const OrderedJson& scheme) {
    plan.weights[layer] = reader.weights(scheme, "weights of '" + layer + "'");
  });
  if (!reader.ok()) return reader.status();
  return plan;
}

}  // namespace intvit
