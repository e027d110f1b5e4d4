#include "converter/convert/prepare.h"

#include "converter/equalise/fold.h"
#include "converter/equalise/heads.h"

namespace intvit {

Result<Preparation> prepare(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options) {
  Preparation result{network, {}, {CalibrationStatistics(network.description.num_heads), {}, 0}};
  if (options.equalise_heads && options.activation_bits < 8 && !options.plan) {
    Result<std::map<std::string, Equalisation>> heads = equalise_heads(network, run, options.activation_bits);
    if (!heads.ok()) return heads.status();
    result.heads = heads.take();
    if (Status status = equalise(result.heads, result.network); !status.ok()) return status;
  }
  Result<Calibration> calibration = calibrate(result.network, run);
  if (!calibration.ok()) return calibration.status();
  result.calibration = calibration.take();
  return result;
}

}  // namespace intvit
