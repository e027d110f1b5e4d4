#include "converter/convert/prepare.h"

#include "converter/equalise/fold.h"
#include "converter/equalise/heads.h"

namespace intvit {

Result<Preparation> prepare(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                            const Progress& progress) {
  Preparation result{network, {}, {CalibrationStatistics(network.description.num_heads), {}, 0}};
  if (options.equalise_heads && options.activation_bits < 8 && !options.plan) {
    Result<std::map<std::string, Equalisation>> heads =
        equalise_heads(network, pictures, options.activation_bits, options.threads, progress);
    if (!heads.ok()) return heads.status();
    result.heads = heads.take();
    if (Status status = equalise(result.heads, result.network); !status.ok()) return status;
  }
  Result<Calibration> calibration = calibrate(result.network, pictures, options.threads, progress);
  if (!calibration.ok()) return calibration.status();
  result.calibration = calibration.take();
  return result;
}

}  // namespace intvit
