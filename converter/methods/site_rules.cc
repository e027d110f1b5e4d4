#include "converter/methods/site_rules.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "converter/methods/method.h"

namespace intvit {
namespace {

Status wrong(const SiteRule& rule, const std::string& what) {
  return {Code::invalid_argument, "--site '" + rule.text.substr(0, 200) + "': " + what};
}

bool is_one_of(int bits, std::initializer_list<int> allowed) {
  return std::find(allowed.begin(), allowed.end(), bits) != allowed.end();
}

Status read_bits(const std::string& value, SiteRule& rule) {
  int bits = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bits);
  if (error != std::errc() || end != value.data() + value.size() || !is_one_of(bits, {2, 3, 4, 5, 6, 8})) {
    return wrong(rule, "bits '" + value + "' must be 2, 3, 4, 5, 6 or 8");
  }
  rule.bits = bits;
  return {};
}

Status read_key(const std::string& key, const std::string& value, SiteRule& rule) {
  if (key == "bits" && !rule.bits) return read_bits(value, rule);
  if (key == "method" && rule.method.empty()) {
    rule.method = value;
    return find_method(value).status();
  }
  if (key == "aside" && rule.aside.empty()) {
    rule.aside = value;
    return value.empty() ? wrong(rule, "aside has no value") : Status();
  }
  if (key == "range" && !rule.range) {
    if (value != "max" && value != "mse") return wrong(rule, "range '" + value + "' must be max or mse");
    rule.range = value == "max" ? WeightRange::max : WeightRange::mse;
    return {};
  }
  return wrong(rule, "'" + key + "' must be one of bits, method, aside and range, each once");
}

const SiteRule* rule_for(const std::vector<SiteRule>& rules, std::string_view name) {
  const auto found =
      std::find_if(rules.rbegin(), rules.rend(), [&](const SiteRule& rule) { return matches(rule.pattern, name); });
  return found == rules.rend() ? nullptr : &*found;
}

bool is_site(const Tensor& tensor) { return has_codes(tensor.role) || tensor.role == Role::probabilities; }

}  // namespace

Result<SiteRule> parse_site_rule(const std::string& text) {
  SiteRule rule;
  rule.text = text;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return wrong(rule, "must be PATTERN=KEY:VALUE,..., such as blocks.*.mlp.fc2.input=bits:8");
  }
  rule.pattern = text.substr(0, equals);
  for (std::size_t at = equals + 1; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::size_t colon = std::min(word.find(':'), word.size());
    const std::string value = colon < word.size() ? word.substr(colon + 1) : "";
    if (Status status = read_key(word.substr(0, colon), value, rule); !status.ok()) return status;
    at = end + 1;
  }
  return rule;
}

// Greedy: after a mismatch the last star takes one letter more. Never more than the product of both lengths.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> site_names(const FloatNetwork& network) {
  std::vector<std::string> names;
  for (const Node& node : network.nodes) {
    if (node.weights() != nullptr) names.push_back(node.name);
    for (const TensorId id : node.outputs) {
      if (is_site(network.at(id))) names.push_back(network.at(id).name);
    }
  }
  return names;
}

void take_site(const std::string& name, const Plan& other, Plan& plan) {
  if (const auto weights = other.weights.find(name); weights != other.weights.end()) {
    plan.weights[name] = weights->second;
    return;
  }
  if (const auto codes = other.activations.find(name); codes != other.activations.end()) {
    plan.activations[name] = codes->second;
    plan.equalisations.erase(name);
    if (const auto own = other.equalisations.find(name); own != other.equalisations.end()) {
      plan.equalisations.insert(*own);
    }
  }
  plan.softmax.erase(name);
  if (const auto softmax = other.softmax.find(name); softmax != other.softmax.end()) plan.softmax.insert(*softmax);
}

Status check_site_rules(const FloatNetwork& network, const std::vector<SiteRule>& rules, int activation_bits) {
  for (const Node& node : network.nodes) {
    std::string first;
    int bits_of_first = 0;
    for (const TensorId id : node.outputs) {
      const Tensor& tensor = network.at(id);
      const SiteRule* rule = rule_for(rules, tensor.name);
      const int bits = rule != nullptr && rule->bits ? *rule->bits : activation_bits;
      if (is_site(tensor) && bits == 2) return wrong(*rule, "'" + tensor.name + "' must have 3 bits or more");
      if (!is_per_head(tensor.role)) continue;
      if (!first.empty() && bits != bits_of_first) {
        return {Code::invalid_argument, "--site: '" + first + "' has " + std::to_string(bits_of_first) + " bits and '" +
                                            tensor.name + "' " + std::to_string(bits) +
                                            "; query, key and value of one layer must have the same"};
      }
      first = tensor.name;
      bits_of_first = bits;
    }
  }
  return {};
}

Status apply_site_rules(const FloatNetwork& network, const std::vector<SiteRule>& rules, const SiteVariant& usual,
                        const std::function<Result<Plan>(const SiteVariant&)>& make, Plan& plan) {
  std::map<SiteVariant, Plan> plans;
  for (const Tensor& tensor : network.tensors) {
    const SiteRule* rule = is_site(tensor) ? rule_for(rules, tensor.name) : nullptr;
    if (rule == nullptr) continue;
    const SiteVariant variant{rule->method.empty() ? usual.method : rule->method, rule->aside,
                              rule->bits.value_or(usual.bits)};
    if (variant == usual) continue;
    if (!plans.contains(variant)) {
      Result<Plan> made = make(variant);
      if (!made.ok()) return made.status();
      plans[variant] = made.take();
    }
    take_site(tensor.name, plans[variant], plan);
  }
  for (auto& [layer, scheme] : plan.weights) {
    const SiteRule* rule = rule_for(rules, layer);
    if (rule == nullptr) continue;
    scheme = {rule->bits.value_or(scheme.bits), rule->range.value_or(scheme.range)};
  }
  return {};
}

}  // namespace intvit
