#include "converter/convert/convert.h"

#include <algorithm>
#include <cstdio>

#include "converter/equalise/fold.h"
#include "converter/equalise/heads.h"
#include "converter/lower/lower.h"
#include "converter/methods/auto/latency.h"
#include "converter/quantizers/uniform.h"
#include "converter/weights/sequential.h"
#include "engine/format/writer.h"

#ifndef INTVIT_VERSION
#error "INTVIT_VERSION comes from the build"
#endif

namespace intvit {
namespace {

constexpr int kLatencyRuns = 60;

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string hex(std::uint64_t value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(value));
  return buffer;
}

// Per head: the worst head's. Places whose codes are not uniform, or are of other values than the statistics (an input
// that the method equalises), are left to --sensitivity.
std::vector<SiteError> measure_sites(const VitDescription& vit, const CalibrationStatistics& statistics,
                                     const Plan& plan) {
  std::vector<SiteError> errors;
  const auto measure = [&](Site site, int block) {
    const auto schemes = plan.activations.find(site_name(site, block));
    if (schemes == plan.activations.end()) return;
    const bool is_input = site == Site::qkv_input || site == Site::fc1_input;
    if (is_input && plan.equalisations.contains(schemes->first)) return;
    const std::vector<Histogram>& histograms = statistics.at(site, block);
    double worst = 999;
    for (std::size_t i = 0; i < histograms.size() && i < schemes->second.size(); ++i) {
      if (schemes->second[i].kind != CodeKind::uniform) return;
      worst = std::min(worst, sqnr_db(histograms[i], schemes->second[i].grid));
    }
    errors.push_back({schemes->first, worst});
  };
  for (int b = 0; b < vit.depth; ++b) {
    for (const Site site : {Site::qkv_input, Site::query, Site::key, Site::value, Site::attention_output,
                            Site::fc1_input, Site::fc2_input}) {
      measure(site, b);
    }
  }
  measure(Site::head_input, -1);
  return errors;
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

Status check_budget(const ConvertOptions& options) {
  if (!options.budget.limited() || (options.method == "auto" && !options.plan)) return {};
  return {Code::invalid_argument, "only --method auto chooses formats within --max-ms and --max-mb, not " +
                                      (options.plan ? "a given plan" : "method '" + options.method + "'")};
}

// None where they are not wanted.
Result<std::map<std::string, Equalisation>> choose_heads(const FloatNetwork& network, PictureSource& pictures,
                                                         const ConvertOptions& options, const Progress& progress) {
  if (!options.equalise_heads || options.activation_bits >= 8 || options.plan) {
    return std::map<std::string, Equalisation>();
  }
  return equalise_heads(network, pictures, options.activation_bits, options.threads, progress);
}

Metadata describe(const VitDescription& vit, const ConvertOptions& options, const Conversion& result) {
  Metadata metadata = {{"architecture", vit.architecture},
                       {"method", options.plan ? "plan (" + result.plan.method + ")" : options.method},
                       {"weight_bits", bits_of_weights(result.plan)},
                       {"activation_bits", bits_of_activations(result.plan)},
                       {"weight_rounding", options.feedback ? "feedback" : "nearest"},
                       {"seed", std::to_string(options.seed)},
                       {"tool", "vitconvert " INTVIT_VERSION},
                       {"site_sqnr_db", join(result.site_errors)}};
  if (result.sensitivity) store(*result.sensitivity, metadata);
  if (!options.settings.empty()) metadata["settings"] = join(options.settings);
  if (!vit.labels.empty()) metadata["labels"] = join(vit.labels);
  return metadata;
}

// Verified is the file itself, as the runtime reads it. Its metadata gets the results.
Status verify_file(const Program& program, PictureSource& pictures, const std::vector<float>& logits,
                   const ConvertOptions& options, const Progress& progress, Conversion& result) {
  const Result<std::shared_ptr<const Model>> model =
      Model::from_memory(encode_model(program, result.metadata), "converted model");
  if (!model.ok()) {
    return {Code::check_failed, "the converted model cannot be read back: " + model.status().message()};
  }
  const Result<Verification> verification = verify(model.value(), pictures, logits, options.threads, progress);
  if (!verification.ok()) return verification.status();
  result.verification = verification.value();
  if (options.budget.milliseconds > 0) {
    const Result<std::vector<double>> times =
        measure_latency({model.value()}, pictures, options.budget.isa, kLatencyRuns, progress);
    if (!times.ok()) return times.status();
    result.milliseconds = times.value()[0];
    result.metadata["max_ms"] = fixed(options.budget.milliseconds, 3);
    result.metadata["max_ms_isa"] = isa_name(options.budget.isa);
  }
  if (options.budget.megabytes > 0) result.metadata["max_mb"] = fixed(options.budget.megabytes, 3);
  result.metadata["top1_agreement_percent"] = fixed(result.verification.top1_agreement, 2);
  result.metadata["logit_sqnr_db"] = fixed(result.verification.logit_sqnr_db, 2);
  return {};
}

}  // namespace

Result<Conversion> convert(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                           const Progress& progress) {
  const Result<Method> method = find_method(options.method);
  if (!method.ok()) return method.status();
  const Result<Knobs> knobs = Knobs::with(options.method, options.settings);
  if (!knobs.ok()) return knobs.status();
  if (Status status = check_budget(options); !status.ok()) return status;
  // Methods work on the network with the heads equalised, as if it had come so.
  const Result<std::map<std::string, Equalisation>> heads = choose_heads(network, pictures, options, progress);
  if (!heads.ok()) return heads.status();
  FloatNetwork prepared = network;
  if (Status status = equalise(heads.value(), prepared); !status.ok()) return status;
  Result<Calibration> calibrated = calibrate(prepared, pictures, options.threads, progress);
  if (!calibrated.ok()) return calibrated.status();
  const Calibration& calibration = calibrated.value();

  Conversion result;
  if (options.plan) {
    result.plan = *options.plan;
  } else {
    Result<Plan> plan =
        make_plan(method.value(), {prepared, calibration.statistics, options.weight_bits, options.activation_bits,
                                   pictures, options.threads, progress, knobs.value(), options.budget});
    if (!plan.ok()) return plan.status();
    result.plan = plan.take();
    result.plan.method = options.method;
    result.plan.equalisations.insert(heads.value().begin(), heads.value().end());
  }
  // From here on the network with the plan's equalisations folded in stands for the original one.
  FloatNetwork equalised = network;
  if (Status status = equalise(result.plan.equalisations, equalised); !status.ok()) return status;
  RoundedLayers rounded;
  if (options.feedback) {
    Result<RoundedLayers> layers = optimise_weights(equalised, result.plan, pictures, {}, options.threads, progress);
    if (!layers.ok()) return layers.status();
    rounded = layers.take();
  }
  progress("lowering", 0, 1);
  const Result<LoweredModel> lowered = lower(equalised, result.plan, rounded);
  if (!lowered.ok()) return lowered.status();
  const Program& program = lowered.value().program;
  result.site_errors = measure_sites(network.description, calibration.statistics, result.plan);

  if (options.sensitivity_pictures > 0) {
    Result<Sensitivity> sensitivity = measure_sensitivity(equalised, result.plan, rounded, pictures,
                                                          options.sensitivity_pictures, options.threads, progress);
    if (!sensitivity.ok()) return sensitivity.status();
    result.sensitivity = sensitivity.take();
  }
  result.metadata = describe(network.description, options, result);
  result.metadata["calibration_pictures"] = std::to_string(pictures.count());
  result.metadata["calibration_checksum"] = hex(calibration.checksum);
  result.metadata["head_equalisation"] = heads.value().empty() ? "off" : "on";
  if (Status status = verify_file(program, pictures, calibration.logits, options, progress, result); !status.ok()) {
    return status;
  }
  result.file = encode_model(program, result.metadata);
  return result;
}

}  // namespace intvit
