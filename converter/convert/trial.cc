#include "converter/convert/trial.h"

#include <algorithm>

#include "converter/lower/check_plan.h"
#include "converter/lower/lower.h"
#include "converter/methods/method.h"
#include "converter/observe/calibrate.h"

namespace intvit {
namespace {

class FirstPictures : public PictureSource {
 public:
  FirstPictures(PictureSource& all, int count) : all_(all), count_(std::min(count, all.count())) {}
  int count() const override { return count_; }
  Status read(int index, std::uint8_t* pixels) override { return all_.read(index, pixels); }

 private:
  PictureSource& all_;
  const int count_;
};

}  // namespace

Status try_lowering(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options) {
  if (options.plan) return check_plan(network, *options.plan);
  const Progress silent = [](const std::string&, int, int) {};
  FirstPictures pictures(run.pictures, kTrialPictures);
  const PictureRun few{pictures, run.threads, silent};
  const Result<Calibration> calibration = calibrate(network, few);
  if (!calibration.ok()) return calibration.status();
  const Result<Knobs> knobs = Knobs::with("minmax", {});
  const Result<Method> method = find_method("minmax");
  const Result<Plan> plan =
      make_plan(method.value(), {network, calibration.value().statistics, 8, 8, few, knobs.value()});
  if (!plan.ok()) return plan.status();
  return lower(network, plan.value()).status();
}

}  // namespace intvit
