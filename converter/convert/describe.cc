#include "converter/convert/describe.h"

#include <algorithm>
#include <array>
#include <cstdio>

#ifndef INTVIT_VERSION
#error "INTVIT_VERSION comes from the build"
#endif

namespace intvit {
namespace {

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string shortest(double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

std::string hex(std::uint64_t value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(value));
  return buffer;
}

// "8", or "4-8" where a plan mixes them.
std::string bit_range(int fewest, int most) {
  return fewest == most ? std::to_string(fewest) : std::to_string(fewest) + "-" + std::to_string(most);
}

std::string bits_of_weights(const Plan& plan) {
  int fewest = 99, most = 0;
  for (const auto& [layer, scheme] : plan.weights) {
    fewest = std::min(fewest, scheme.bits);
    most = std::max(most, scheme.bits);
  }
  return bit_range(fewest, most);
}

std::string bits_of_activations(const Plan& plan) {
  int fewest = 99, most = 0;
  for (const auto& [site, schemes] : plan.activations) {
    for (const ActivationScheme& scheme : schemes) {
      fewest = std::min(fewest, scheme.bits);
      most = std::max(most, scheme.bits);
    }
  }
  return bit_range(fewest, most);
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string join(const std::vector<SiteError>& errors) {
  std::vector<std::string> lines;
  for (const SiteError& error : errors) lines.push_back(error.site + " " + fixed(error.sqnr_db, 2));
  return join(lines);
}

std::string text_of(const std::array<double, 3>& values) {
  return shortest(values[0]) + " " + shortest(values[1]) + " " + shortest(values[2]);
}

// As timm's terms have it.
std::string text_of(const Preprocessing& p) {
  return p.interpolation + " resize, crop_pct " + shortest(p.crop_pct) + ", " + p.crop_mode + " crop to " +
         std::to_string(p.height) + "x" + std::to_string(p.width) + ", mean " + text_of(p.mean) + ", std " +
         text_of(p.stddev);
}

}  // namespace

Metadata describe(const ConvertOptions& options, const Preparation& preparation, int pictures,
                  const Conversion& conversion) {
  const Plan& plan = conversion.plan;
  const FloatNetwork& network = preparation.network;
  Metadata metadata = {{"architecture", network.architecture},
                       {"method", options.plan ? "plan (" + plan.method + ")" : options.method},
                       {"weight_bits", bits_of_weights(plan)},
                       {"activation_bits", bits_of_activations(plan)},
                       {"calibration_pictures", std::to_string(pictures)},
                       {"calibration_checksum", hex(preparation.calibration.checksum)},
                       {"head_equalisation", preparation.heads.empty() ? "off" : "on"},
                       {"weight_rounding", options.feedback ? "feedback" : "nearest"},
                       {"seed", std::to_string(options.seed)},
                       {"tool", "vitconvert " INTVIT_VERSION},
                       {"site_sqnr_db", join(conversion.site_errors)}};
  if (conversion.sensitivity) store(*conversion.sensitivity, metadata);
  if (!options.settings.empty()) metadata["settings"] = join(options.settings);
  metadata["preprocessing"] = text_of(network.preprocessing);
  metadata["effective_activation_bits"] = fixed(conversion.effective_bits.activations, 3);
  std::vector<std::string> aside;
  for (const auto& [site, share] : conversion.effective_bits.aside) aside.push_back(site + " " + fixed(100 * share, 3));
  if (!aside.empty()) metadata["site_aside_percent"] = join(aside);
  metadata.insert(options.origin.begin(), options.origin.end());
  if (!options.sites.empty()) {
    std::vector<std::string> rules;
    for (const SiteRule& rule : options.sites) rules.push_back(rule.text);
    metadata["sites"] = join(rules);
  }
  if (!conversion.modules.empty() || conversion.network_optimised) {
    const std::string modules = conversion.modules.empty() ? "" : "modules";
    const std::string whole = !conversion.network_optimised ? "" : modules.empty() ? "network" : ",network";
    metadata["optimise"] = modules + whole;
    if (!options.optimise_settings.empty()) metadata["optimise_settings"] = join(options.optimise_settings);
  }
  if (!network.labels.empty()) metadata["labels"] = join(network.labels);
  if (network.multi_label) metadata["activation"] = "sigmoid";
  if (network.zero_shot) {
    metadata["zero_shot"] = network.zero_shot->bias ? "sigmoid" : "softmax";
    metadata["logit_scale"] = shortest(network.zero_shot->scale);
    if (network.zero_shot->bias) metadata["logit_bias"] = shortest(*network.zero_shot->bias);
  }
  return metadata;
}

void add_figures(const ConvertOptions& options, Conversion& conversion) {
  Metadata& metadata = conversion.metadata;
  if (conversion.milliseconds) {
    metadata["max_ms"] = fixed(options.budget.milliseconds, 3);
    metadata["max_ms_isa"] = isa_name(options.budget.isa);
  }
  if (options.budget.megabytes > 0) metadata["max_mb"] = fixed(options.budget.megabytes, 3);
  metadata["selftest_digest"] = hex(conversion.selftest_digest);
  const Verification& v = conversion.verification;
  metadata["verified_pictures"] = std::to_string(v.pictures);
  metadata["verified_on"] = v.unseen ? "unseen" : "calibration";
  if (v.top1_agreement) metadata["top1_agreement_percent"] = fixed(*v.top1_agreement, 2);
  std::vector<std::string> others;
  for (const OutputSqnr& output : v.outputs) {
    const std::string value = fixed(output.sqnr_db, 2);
    if (output.output == "logits") {
      metadata["logit_sqnr_db"] = value;
    } else {
      others.push_back(output.output + " " + value);
    }
  }
  if (!others.empty()) metadata["output_sqnr_db"] = join(others);
}

}  // namespace intvit
