// The check at the end of every conversion: the integer model against the float network on the calibration pictures.
#pragma once

#include <memory>
#include <span>

#include "converter/observe/picture_run.h"
#include "intvit/model.h"

namespace intvit {

struct Verification {
  int pictures = 0;
  double top1_agreement = 0;  // percent of pictures whose most likely class is the same
  double logit_sqnr_db = 0;   // 10 log10(sum of squared float logits / sum of squared differences)
};

// `float_logits` is [pictures][classes].
Result<Verification> verify(std::shared_ptr<const Model> model, const PictureRun& run,
                            std::span<const float> float_logits);

}  // namespace intvit
