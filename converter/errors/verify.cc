#include "converter/errors/verify.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "converter/float/finite.h"
#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"
#include "intvit/session.h"

namespace intvit {
namespace {

using Values = std::vector<double>;

// Real values of an output of picture 0, row after row.
Values values_of(const Session& session, const std::string& name) {
  const std::vector<Port>& ports = session.model().outputs();
  Values values;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name != name) continue;
    const OutputView view = session.output(0, i);
    for (int r = 0; r < view.rows; ++r) {
      for (int c = 0; c < view.columns; ++c) values.push_back((view.at(r, c) - ports[i].zero) * ports[i].unit());
    }
  }
  return values;
}

struct Sums {
  double signal = 0, noise = 0;

  void add(const Values& values, std::span<const float> floats) {
    for (std::size_t i = 0; i < floats.size(); ++i) {
      const double difference = values[i] - floats[i];
      signal += static_cast<double>(floats[i]) * floats[i];
      noise += difference * difference;
    }
  }
  double sqnr_db() const { return noise > 0 ? 10 * std::log10(signal / noise) : 999; }
};

bool agree(const Values& values, std::span<const float> floats) {
  return std::max_element(values.begin(), values.end()) - values.begin() ==
         std::max_element(floats.begin(), floats.end()) - floats.begin();
}

}  // namespace

Result<Verification> verify(std::shared_ptr<const Model> model, const PictureRun& run,
                            const std::vector<NetworkOutput>& outputs,
                            const std::vector<std::vector<float>>& float_values) {
  const int count = run.pictures.count();
  std::vector<Sums> sums(outputs.size());
  int agreeing = 0;
  const auto make_worker = [&](int, int shared_by) {
    SessionOptions options;
    options.threads = shared_by;
    return [&, session = Session::create(model, options)](int i) mutable -> Result<std::vector<Values>> {
      if (!session.ok()) return session.status();
      Session& own = *session.value();
      if (Status status = run.pictures.read(i, own.picture(0)); !status.ok()) return status;
      own.run();
      std::vector<Values> values;
      for (const NetworkOutput& output : outputs) values.push_back(values_of(own, output.name));
      return values;
    };
  };
  const auto compare = [&](int i, const Result<std::vector<Values>>& values) -> Status {
    if (!values.ok()) return values.status();
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const Values& own = values.value()[o];
      const auto floats = std::span(float_values[o]).subspan(static_cast<std::size_t>(i) * own.size(), own.size());
      sums[o].add(own, floats);
      if (outputs[o].kind == PortKind::logits) agreeing += agree(own, floats);
    }
    run.progress("verifying", i + 1, count);
    return {};
  };
  run.progress("verifying", 0, count);
  if (Status status = for_each_in_order(count, run.threads, make_worker, compare); !status.ok()) return status;
  Verification result;
  result.pictures = count;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    result.outputs.push_back({outputs[o].name, sums[o].sqnr_db()});
    if (outputs[o].kind == PortKind::logits) result.top1_agreement = 100.0 * agreeing / std::max(1, count);
  }
  return result;
}

Result<Verification> verify_unseen(std::shared_ptr<const Model> model, const PictureRun& run,
                                   const FloatNetwork& network) {
  const Preprocessing& input = network.preprocessing;
  const std::size_t bytes = static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3;
  using Outputs = std::vector<std::vector<float>>;
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by),
            pixels = std::vector<std::uint8_t>(bytes)](int i) mutable -> Result<Outputs> {
      if (Status status = run.pictures.read(i, pixels.data()); !status.ok()) return status;
      forward.run(pixels.data());
      if (Status status = check_finite(network, forward, pixels.data()); !status.ok()) return status;
      Outputs outputs;
      for (std::size_t o = 0; o < network.outputs.size(); ++o) {
        outputs.emplace_back(forward.output(o).begin(), forward.output(o).end());
      }
      return outputs;
    };
  };
  Outputs all(network.outputs.size());
  const auto keep = [&](int, const Result<Outputs>& outputs) -> Status {
    if (!outputs.ok()) return outputs.status();
    for (std::size_t o = 0; o < all.size(); ++o) {
      all[o].insert(all[o].end(), outputs.value()[o].begin(), outputs.value()[o].end());
    }
    return {};
  };
  if (Status status = for_each_in_order(run.pictures.count(), run.threads, make_worker, keep); !status.ok()) {
    return status;
  }
  Result<Verification> verification = verify(std::move(model), run, network.outputs, all);
  if (verification.ok()) verification.value().unseen = true;
  return verification;
}

}  // namespace intvit
