#include "converter/convert/prepare.h"

#include "converter/convert/calibration_cache.h"
#include "converter/equalise/fold.h"
#include "converter/equalise/heads.h"

namespace intvit {
namespace {

// Queries and values come before everything else.
std::map<std::string, Equalisation> of_heads(const Plan& plan, const FloatNetwork& network) {
  std::map<std::string, Equalisation> heads;
  for (const Tensor& tensor : network.tensors) {
    if (tensor.role != Role::query && tensor.role != Role::value) continue;
    const auto found = plan.equalisations.find(tensor.name);
    if (found != plan.equalisations.end()) heads.insert(*found);
  }
  return heads;
}

// The heads are equalised, and the network calibrated.
Result<Preparation> prepare_anew(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options,
                                 int head_bits) {
  Preparation result{network, {}, {CalibrationStatistics(network), {}, 0}};
  if (options.plan) {
    result.heads = of_heads(*options.plan, network);
  } else if (head_bits > 0) {
    Result<std::map<std::string, Equalisation>> heads = equalise_heads(network, run, head_bits);
    if (!heads.ok()) return heads.status();
    result.heads = heads.take();
  }
  if (Status status = equalise(result.heads, result.network); !status.ok()) return status;
  Result<Calibration> calibration = calibrate(result.network, run);
  if (!calibration.ok()) return calibration.status();
  result.calibration = calibration.take();
  return result;
}

}  // namespace

Result<Preparation> prepare(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options) {
  const int head_bits =
      !options.plan && options.equalise_heads && options.activation_bits < 8 ? options.activation_bits : 0;
  // A plan has equalisations of its own.
  if (options.cache == nullptr || (options.plan && !of_heads(*options.plan, network).empty())) {
    return prepare_anew(network, run, options, head_bits);
  }
  FloatNetwork equalised = network;
  Result<std::optional<KeptCalibration>> kept = options.cache->find(head_bits, run.pictures.count(), equalised);
  if (!kept.ok()) return kept.status();
  if (kept.value()) {
    return Preparation{std::move(equalised), std::move(kept.value()->heads), std::move(kept.value()->calibration)};
  }
  Result<Preparation> result = prepare_anew(network, run, options, head_bits);
  if (!result.ok()) return result;
  if (Status status = options.cache->keep(head_bits, result.value().heads, result.value().calibration); !status.ok()) {
    return status;
  }
  return result;
}

}  // namespace intvit
