#include "engine/tools/run_times.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace intvit {
namespace {

// A 64-bit xorshift generator.
std::vector<std::uint8_t> make_pixels(std::size_t count) {
  std::vector<std::uint8_t> pixels(count);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (std::uint8_t& pixel : pixels) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    pixel = static_cast<std::uint8_t>(state >> 56);
  }
  return pixels;
}

}  // namespace

TimedRuns::TimedRuns(Session& session) : session_(session) {
  const Program& program = session.model().program();
  pixels_ = make_pixels(std::size_t{program.input.height} * program.input.width * 3 *
                        static_cast<std::size_t>(session.batch()));
}

// A run overwrites its pictures, so they are copied before the clock starts.
double TimedRuns::run_once() {
  std::memcpy(session_.picture(0), pixels_.data(), pixels_.size());
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
