#include "tools/vitrun/summarise.h"

#include <iostream>
#include <string>

#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/shown_text.h"
#include "tools/vitrun/eval_part.h"
#include "tools/vitrun/job.h"

namespace intvit {

int summarise(const VitrunOptions& options) {
  EvalSummary sum;
  for (const std::string& path : options.summaries) {
    const Result<EvalPart> part = read_eval_part(path);
    if (!part.ok()) return fail(part.status(), kExitUsage);
    const Accuracy& accuracy = part.value().accuracy;
    sum.accuracy.add_counts(accuracy.count(), accuracy.top1_hits(), accuracy.top5_hits());
    sum.failed += part.value().failed;
    const std::string model = part.value().summary ? part.value().summary->model : "";
    if (!sum.model.empty() && !model.empty() && model != sum.model) {
      print_message("vitrun", "note: '" + shortened(path) + "' is of another model, '" + shortened(model) + "'");
    }
    if (sum.model.empty()) sum.model = model;
  }
  print_summary(std::cout, options.format, sum);
  if (!std::cout.flush()) {
    print_message("vitrun", "cannot write the results to stdout");
    return kExitUsage;
  }
  return sum.failed > 0 ? kExitSomeInputsFailed : kExitOk;
}

}  // namespace intvit
