#include "tools/vitconvert/sweep/evaluate.h"

#include <algorithm>
#include <cmath>

#include "tools/common/pictures/classify_in_order.h"

namespace intvit {

Result<Evaluation> evaluate(const std::shared_ptr<const Model>& model, const FloatTruth& truth,
                            const std::vector<LabelledPicture>& pictures, const PictureOptions& reading, Isa isa,
                            int threads, const Progress& progress) {
  std::vector<InputPicture> inputs;
  for (const LabelledPicture& picture : pictures) inputs.push_back({picture.path, {}});
  const double unit = std::exp2(-static_cast<double>(model->logit_fraction_bits()));
  const int classes = model->classes(), total = static_cast<int>(pictures.size());
  Evaluation result;
  Accuracy accuracy, float_accuracy;
  double signal = 0, noise = 0;
  std::int64_t agreeing = 0;
  Status failed_later;
  const auto consume = [&](std::size_t index, const ClassifiedPicture& picture) {
    progress("evaluating", static_cast<int>(index), total);
    if (!picture.status.ok() && truth.has(index)) failed_later = picture.status;
    if (!picture.status.ok() || !truth.has(index)) {
      ++result.failed;
      return;
    }
    const float* floats = truth.row(index);
    const std::vector<std::int32_t>& integers = picture.logits;
    for (std::size_t c = 0; c < integers.size(); ++c) {
      const double difference = integers[c] * unit - floats[c];
      signal += static_cast<double>(floats[c]) * floats[c];
      noise += difference * difference;
    }
    accuracy.add(integers.data(), classes, pictures[index].label);
    float_accuracy.add(floats, classes, pictures[index].label);
    agreeing += std::max_element(integers.begin(), integers.end()) - integers.begin() ==
                std::max_element(floats, floats + classes) - floats;
  };
  const Result<Workers> workers = classify_in_order(model, isa, threads, inputs, consume, false, reading);
  if (!workers.ok()) return workers.status();
  if (!failed_later.ok()) return failed_later;
  progress("evaluating", total, total);
  result.pictures = accuracy.count();
  result.top1 = accuracy.top1_percent();
  result.top5 = accuracy.top5_percent();
  result.float_top1 = float_accuracy.top1_percent();
  result.agreement = 100.0 * static_cast<double>(agreeing) / static_cast<double>(accuracy.count());
  result.logit_sqnr_db = noise > 0 ? 10 * std::log10(signal / noise) : 999;
  return result;
}

}  // namespace intvit
