#include "converter/methods/auto/latency.h"

#include <algorithm>
#include <chrono>

#include "intvit/session.h"

namespace intvit {
namespace {

constexpr int kWarmUp = 3;
constexpr int kRunsPerTurn = 5;

double run_once(Session& session) {
  const auto begin = std::chrono::steady_clock::now();
  session.run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

// `samples` must not be empty.
double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

}  // namespace

Result<std::vector<double>> measure_latency(const std::vector<std::shared_ptr<const Model>>& models,
                                            PictureSource& pictures, Isa isa, int runs, const Progress& progress) {
  std::vector<std::unique_ptr<Session>> sessions;
  for (const auto& model : models) {
    SessionOptions options;
    options.isa = isa;
    Result<std::unique_ptr<Session>> session = Session::create(model, options);
    if (!session.ok()) return session.status();
    sessions.push_back(session.take());
    if (Status status = pictures.read(0, sessions.back()->picture(0)); !status.ok()) return status;
    for (int i = 0; i < kWarmUp; ++i) run_once(*sessions.back());
  }
  std::vector<std::vector<double>> milliseconds(models.size());
  for (int done = 0; done < runs; done += kRunsPerTurn) {
    progress("measuring latency", done, runs);
    for (std::size_t m = 0; m < models.size(); ++m) {
      run_once(*sessions[m]);  // the others have emptied the caches
      for (int i = 0; i < std::min(kRunsPerTurn, runs - done); ++i) milliseconds[m].push_back(run_once(*sessions[m]));
    }
  }
  progress("measuring latency", runs, runs);
  std::vector<double> medians;
  for (std::vector<double>& samples : milliseconds) medians.push_back(median(std::move(samples)));
  return medians;
}

}  // namespace intvit
