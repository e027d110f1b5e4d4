// The check at the end of every conversion: the integer model against the float network on the calibration pictures.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "converter/graph/network.h"
#include "converter/observe/picture_run.h"
#include "intvit/model.h"

namespace intvit {

struct OutputSqnr {
  std::string output;  // its name
  double sqnr_db = 0;  // 10 log10(sum of squared float values / sum of squared differences)
};

struct Verification {
  int pictures = 0;
  bool unseen = false;                   // none of the pictures took part in the conversion
  std::optional<double> top1_agreement;  // percent of pictures whose most likely class is the same; if it has logits
  std::vector<OutputSqnr> outputs;       // in the network's order
};

// `outputs` are the network's, `float_values` those of the float network: [pictures][values] per output.
Result<Verification> verify(std::shared_ptr<const Model> model, const PictureRun& run,
                            const std::vector<NetworkOutput>& outputs,
                            const std::vector<std::vector<float>>& float_values);

// The same for pictures that the float network has yet to see.
Result<Verification> verify_unseen(std::shared_ptr<const Model> model, const PictureRun& run,
                                   const FloatNetwork& network);

}  // namespace intvit
