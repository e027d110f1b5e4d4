// What a user says of some quantizers by name: `blocks.*.mlp.fc2.input=bits:8,aside:1`. A rule does not invent a
// quantizer: what a method, run with those numbers, gives for the site takes the place of what the plan has there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph/network.h"
#include "converter/plan/plan.h"
#include "intvit/status.h"

namespace intvit {

struct SiteRule {
  std::string text;     // as it was given, for messages and metadata
  std::string pattern;  // names, with * for any letters
  std::optional<int> bits;
  std::string method;                // empty: the conversion's
  std::string aside;                 // percent of values aside, a knob of some methods; empty: the method's own
  std::optional<WeightRange> range;  // of weights
};

// PATTERN=KEY:VALUE,... with the keys bits, method, aside and range, each once. invalid_argument.
Result<SiteRule> parse_site_rule(const std::string& text);

// Whether a name is what a pattern says: * stands for any letters, dots included.
bool matches(std::string_view pattern, std::string_view name);

// What rules can be about, in the order of execution: tensors with codes, probabilities, and layers, whose weights are
// meant.
std::vector<std::string> site_names(const FloatNetwork& network);

// Gives `plan` what `other`, a plan of the same network with the same heads, has for a site or a layer.
void take_site(const std::string& name, const Plan& other, Plan& plan);

// What a method is to be run with for some sites.
struct SiteVariant {
  std::string method, aside;
  int bits = 8;

  auto operator<=>(const SiteVariant&) const = default;
};

// What the rules would do to a plan of so many bits: invalid_argument for bits that a site cannot have, and for query,
// key and value of one block with different ones.
Status check_site_rules(const FloatNetwork& network, const std::vector<SiteRule>& rules, int activation_bits);

// Changes the plan where rules match, for every site by the last one that does. `make` gives the whole plan of a
// variant and is asked once for each; `usual` is the plan's own.
Status apply_site_rules(const FloatNetwork& network, const std::vector<SiteRule>& rules, const SiteVariant& usual,
                        const std::function<Result<Plan>(const SiteVariant&)>& make, Plan& plan);

}  // namespace intvit
