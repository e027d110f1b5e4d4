#include "converter/convert/round_layers.h"

#include "converter/methods/knobs.h"
#include "converter/optimise/module_optimiser.h"
#include "converter/optimise/network_optimiser.h"
#include "converter/weights/sequential.h"

namespace intvit {
namespace {

// Of `what`, modules or network. Settings name what they are of where both are trained.
Result<LearningOptions> learning_options(const ConvertOptions& options, const std::string& what) {
  const bool both = options.optimise_modules && options.optimise_network;
  std::vector<std::string> own;
  for (const std::string& setting : options.optimise_settings) {
    const std::size_t dot = setting.substr(0, setting.find('=')).find('.');
    const std::string of = dot == std::string::npos ? "" : setting.substr(0, dot);
    if (of.empty() && both) {
      return Status(Code::invalid_argument, "--optimise-set '" + setting + "' may be of both; write modules." +
                                                setting + " or network." + setting);
    }
    if (of.empty() || of == what) own.push_back(of.empty() ? setting : setting.substr(dot + 1));
  }
  const Result<Knobs> knobs = Knobs::with(what, own);
  if (!knobs.ok()) return knobs.status();
  const auto get = [&](const char* name) { return knobs.value().get(name); };
  LearningOptions result;
  result.pictures = static_cast<int>(get("pictures"));
  result.iterations = static_cast<int>(get("iterations"));
  result.batch = static_cast<int>(get("batch"));
  result.seed = options.seed;
  LearningRates& rates = result.rates;
  rates.scale = get("scale_rate");
  rates.bias = get("bias_rate");
  rates.levels = get("level_rate");
  if (what == "modules") {
    result.float_share = get("float_share");
    result.importance = get("importance");
    result.attention = get("attention");
    rates.rounding = get("rounding_rate");
    rates.decision = get("decision");
  } else {
    rates.rounding = 0;
  }
  return result;
}

}  // namespace

Result<OptimiseOptions> optimise_options(const ConvertOptions& options) {
  for (const std::string& setting : options.optimise_settings) {
    const bool of_network = setting.starts_with("network."), of_modules = setting.starts_with("modules.");
    const bool wanted = of_network   ? options.optimise_network
                        : of_modules ? options.optimise_modules
                                     : options.optimise_modules || options.optimise_network;
    if (wanted) continue;
    return Status(Code::invalid_argument,
                  "--optimise-set '" + setting + "' is for --optimise " + (of_network ? "network" : "modules"));
  }
  if ((options.optimise_modules || options.optimise_network) && !options.feedback) {
    return Status(Code::invalid_argument, "--optimise begins with --weights feedback, not with nearest");
  }
  OptimiseOptions result;
  for (const bool network : {false, true}) {
    if (!(network ? options.optimise_network : options.optimise_modules)) continue;
    const Result<LearningOptions> learning = learning_options(options, network ? "network" : "modules");
    if (!learning.ok()) return learning.status();
    (network ? result.network : result.modules) = learning.value();
  }
  return result;
}

Status check_optimise(const FloatNetwork& network, const ConvertOptions& options) {
  const Result<OptimiseOptions> checked = optimise_options(options);
  if (!checked.ok()) return checked.status();
  if (!options.optimise_modules && !options.optimise_network) return {};
  const Node* node = unlearnable(network, behind_pixels(network));
  if (node == nullptr) return {};
  return {Code::unsupported, "--optimise cannot train what is in front of '" + node->name + "'; convert without it"};
}

Result<RoundedLayers> round_layers(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options,
                                   Conversion& result) {
  const OptimiseOptions learning = optimise_options(options).take();
  ModuleOptimiser modules(network, result.plan, run, learning.modules, options.training);
  NetworkOptimiser whole(network, result.plan, run, learning.network, options.training);
  std::vector<LayerRefiner*> refiners;
  if (learning.modules.iterations > 0) refiners.push_back(&modules);
  if (learning.network.iterations > 0) refiners.push_back(&whole);
  WeightOptions weights;
  weights.report = learning.modules.iterations == 0;
  Result<RoundedLayers> layers = optimise_weights(network, result.plan, run, weights, refiners);
  if (!layers.ok()) return layers.status();
  result.modules = modules.outcomes();
  result.network_optimised = whole.outcome();
  return layers;
}

}  // namespace intvit
