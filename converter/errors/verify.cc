#include "converter/errors/verify.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "converter/float/for_each_in_order.h"
#include "intvit/session.h"

namespace intvit {

Result<Verification> verify(std::shared_ptr<const Model> model, const PictureRun& run,
                            std::span<const float> float_logits) {
  using Logits = std::vector<std::int32_t>;
  const int count = run.pictures.count();
  const auto classes = static_cast<std::size_t>(model->classes());
  const double unit = std::exp2(-static_cast<double>(model->logit_fraction_bits()));
  Verification result;
  double signal = 0, noise = 0;
  int agreeing = 0;
  const auto make_worker = [&](int, int shared_by) {
    SessionOptions options;
    options.threads = shared_by;
    return [&, session = Session::create(model, options)](int i) mutable -> Result<Logits> {
      if (!session.ok()) return session.status();
      Session& own = *session.value();
      if (Status status = run.pictures.read(i, own.picture(0)); !status.ok()) return status;
      own.run();
      return Logits(own.logits(0).begin(), own.logits(0).end());
    };
  };
  const auto compare = [&](int i, const Result<Logits>& logits) -> Status {
    if (!logits.ok()) return logits.status();
    const Logits& integers = logits.value();
    const std::span<const float> floats = float_logits.subspan(static_cast<std::size_t>(i) * classes, classes);
    for (std::size_t c = 0; c < classes; ++c) {
      const double difference = integers[c] * unit - floats[c];
      signal += static_cast<double>(floats[c]) * floats[c];
      noise += difference * difference;
    }
    agreeing += std::max_element(integers.begin(), integers.end()) - integers.begin() ==
                std::max_element(floats.begin(), floats.end()) - floats.begin();
    run.progress("verifying", i + 1, count);
    return {};
  };
  run.progress("verifying", 0, count);
  if (Status status = for_each_in_order(count, run.threads, make_worker, compare); !status.ok()) return status;
  result.pictures = count;
  result.top1_agreement = 100.0 * agreeing / std::max(1, count);
  result.logit_sqnr_db = noise > 0 ? 10 * std::log10(signal / noise) : 999;
  return result;
}

}  // namespace intvit
