// One model of a sweep against the float network on the evaluation pictures, in integers.
#pragma once

#include <memory>
#include <vector>

#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/picture.h"
#include "tools/vitconvert/sweep/float_truth.h"

namespace intvit {

struct Evaluation {
  std::int64_t pictures = 0;
  std::int64_t failed = 0;  // pictures that cannot be read; in no other figure
  double top1 = 0;          // percent, as all but the last
  double top5 = 0;
  double float_top1 = 0;
  double agreement = 0;  // of the most likely class with float's
  double logit_sqnr_db = 0;

  double drop() const { return float_top1 - top1; }
};

// An error if a picture that has logits in `truth` cannot be read: another time it could be.
Result<Evaluation> evaluate(const std::shared_ptr<const Model>& model, const FloatTruth& truth,
                            const std::vector<LabelledPicture>& pictures, const PictureOptions& reading, Isa isa,
                            int threads, const Progress& progress);

}  // namespace intvit
