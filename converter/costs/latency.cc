#include "converter/costs/latency.h"

#include <algorithm>

#include "engine/session.h"
#include "engine/tools/run_times.h"

namespace intvit {
namespace {

constexpr int kWarmUp = 3;
constexpr int kRunsPerTurn = 5;

}  // namespace

Result<std::vector<double>> measure_latency(const std::vector<std::shared_ptr<const Model>>& models, Isa isa, int runs,
                                            const Progress& progress) {
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<TimedRuns> timed;
  for (const auto& model : models) {
    SessionOptions options;
    options.isa = isa;
    Result<std::unique_ptr<Session>> session = Session::create(model, options);
    if (!session.ok()) return session.status();
    sessions.push_back(session.take());
    paint_pictures(*sessions.back());
    timed.emplace_back(*sessions.back());
    for (int i = 0; i < kWarmUp; ++i) timed.back().run_once();
  }
  std::vector<std::vector<double>> milliseconds(models.size());
  for (int done = 0; done < runs; done += kRunsPerTurn) {
    progress("measuring latency", done, runs);
    for (std::size_t m = 0; m < models.size(); ++m) {
      timed[m].run_once();  // the others have emptied the caches
      for (int i = 0; i < std::min(kRunsPerTurn, runs - done); ++i) milliseconds[m].push_back(timed[m].run_once());
    }
  }
  progress("measuring latency", runs, runs);
  std::vector<double> medians;
  for (std::vector<double>& samples : milliseconds) medians.push_back(summarize(std::move(samples)).median);
  return medians;
}

}  // namespace intvit
