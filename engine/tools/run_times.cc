#include "engine/tools/run_times.h"

#include <algorithm>
#include <chrono>
#include <span>

namespace intvit {
namespace {

// A 64-bit xorshift generator.
void fill_with_noise(std::span<std::uint8_t> pixels, std::uint64_t& state) {
  for (std::uint8_t& pixel : pixels) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pixel = static_cast<std::uint8_t>(state >> 56);
  }
}

}  // namespace

TimedRuns::TimedRuns(Session& session) : session_(session) {
  const Program& program = session.model().program();
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (int i = 0; i < session.batch(); ++i) {
    fill_with_noise({session.picture(i), std::size_t{program.input.height} * program.input.width * 3}, state);
  }
}

double TimedRuns::run_once() {
  const auto start = std::chrono::steady_clock::now();
  session_.run(session_.batch());
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double percentile(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Summary summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const double median = percentile(samples, 0.5);
  const double quartiles = percentile(samples, 0.75) - percentile(samples, 0.25);
  return {median, samples.front(), percentile(samples, 0.9), percentile(samples, 0.99),
          median > 0 ? 100 * quartiles / median : 0};
}

}  // namespace intvit
