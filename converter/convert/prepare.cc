#include "converter/convert/prepare.h"

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

}  // namespace

Result<Preparation> prepare(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options) {
  Preparation result{network, {}, {CalibrationStatistics(network), {}, 0}};
  if (options.plan) {
    result.heads = of_heads(*options.plan, network);
  } else if (options.equalise_heads && options.activation_bits < 8) {
    Result<std::map<std::string, Equalisation>> heads = equalise_heads(network, run, options.activation_bits);
    if (!heads.ok()) return heads.status();
    result.heads = heads.take();
  }
  if (Status status = equalise(result.heads, result.network); !status.ok()) return status;
  Result<Calibration> calibration = calibrate(result.network, run);
  if (!calibration.ok()) return calibration.status();
  result.calibration = calibration.take();
  return result;
}

}  // namespace intvit
