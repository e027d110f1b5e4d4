#include "converter/methods/balanced.h"

#include "converter/equalise.h"
#include "converter/observe/block_samples.h"
#include "converter/quantizers/value_balance.h"

namespace intvit {

Result<Balanced> balance_values(const MethodInput& input) {
  Plan plan;
  Status status =
      for_each_block(input.network, input.pictures, input.threads, input.progress, [&](const BlockSamples& samples) {
        plan.equalisations[site_name(Site::value, samples.block)] =
            value_balance(samples.at(Site::value), samples.at(Site::attention_output));
      });
  if (!status.ok()) return status;
  FloatNetwork network = input.network;
  status = equalise(plan, network);
  if (!status.ok()) return status;
  Result<Calibration> calibration = calibrate(network, input.pictures, input.threads, input.progress);
  if (!calibration.ok()) return calibration.status();
  return Balanced{std::move(plan.equalisations), std::move(network), calibration.take().statistics};
}

}  // namespace intvit
