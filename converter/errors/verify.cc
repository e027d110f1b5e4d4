#include "converter/errors/verify.h"

#include <algorithm>
#include <cmath>

#include "intvit/session.h"

namespace intvit {

Result<Verification> verify(std::shared_ptr<const Model> model, PictureSource& pictures,
                            std::span<const float> float_logits, int threads, const Progress& progress) {
  SessionOptions options;
  options.threads = threads;
  Result<std::unique_ptr<Session>> created = Session::create(model, options);
  if (!created.ok()) return created.status();
  Session& session = *created.value();
  const auto classes = static_cast<std::size_t>(model->classes());
  const double unit = std::exp2(-static_cast<double>(model->logit_fraction_bits()));
  Verification result;
  double signal = 0, noise = 0;
  int agreeing = 0;
  for (int i = 0; i < pictures.count(); ++i) {
    progress("verifying", i, pictures.count());
    if (Status status = pictures.read(i, session.picture(0)); !status.ok()) return status;
    session.run();
    const std::span<const std::int32_t> integers = session.logits(0);
    const std::span<const float> floats = float_logits.subspan(static_cast<std::size_t>(i) * classes, classes);
    for (std::size_t c = 0; c < classes; ++c) {
      const double difference = integers[c] * unit - floats[c];
      signal += static_cast<double>(floats[c]) * floats[c];
      noise += difference * difference;
    }
    agreeing += std::max_element(integers.begin(), integers.end()) - integers.begin() ==
                std::max_element(floats.begin(), floats.end()) - floats.begin();
  }
  progress("verifying", pictures.count(), pictures.count());
  result.pictures = pictures.count();
  result.top1_agreement = 100.0 * agreeing / std::max(1, pictures.count());
  result.logit_sqnr_db = noise > 0 ? 10 * std::log10(signal / noise) : 999;
  return result;
}

}  // namespace intvit
