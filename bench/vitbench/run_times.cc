#include "bench/vitbench/run_times.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>

namespace intvit {
namespace {

// A number from 0 to 255 that looks random, for a corner of a grid.
int corner(std::uint32_t seed, int x, int y) {
  std::uint32_t hash = seed * 0x9e3779b1u + static_cast<std::uint32_t>(x) * 0x85ebca77u + 0x165667b1u;
  hash = (hash ^ (hash >> 15)) * 0xc2b2ae3du + static_cast<std::uint32_t>(y) * 0x27d4eb2fu;
  hash = (hash ^ (hash >> 13)) * 0x85ebca77u;
  return static_cast<int>(hash >> 24);
}

// Noise of one scale, -128 to 127: between the corners of a grid of 2^shift pixels, interpolated.
int smooth_noise(std::uint32_t seed, int x, int y, int shift) {
  const int cell = 1 << shift, left = x >> shift, top = y >> shift;
  const int dx = x & (cell - 1), dy = y & (cell - 1);
  const auto row = [&](int at) { return corner(seed, left, at) * (cell - dx) + corner(seed, left + 1, at) * dx; };
  return ((row(top) * (cell - dy) + row(top + 1) * dy) >> (2 * shift)) - 128;
}

// Something like a photograph: neighbours are alike, and the coarser a structure is, the stronger it is (twice as
// strong at twice the size). How long kernels take may depend on how far apart values are, and plain noise has them
// further apart than any picture.
void paint(std::span<std::uint8_t> pixels, int width, std::uint32_t seed) {
  constexpr int kCoarsest = 7, kCoarsestHue = 6;
  for (std::size_t i = 0; i < pixels.size() / 3; ++i) {
    const int x = static_cast<int>(i) % width, y = static_cast<int>(i) / width;
    int light = 128;
    for (int shift = kCoarsest; shift > 0; --shift) {
      light += smooth_noise(seed + static_cast<std::uint32_t>(shift), x, y, shift) >> (kCoarsest - shift);
    }
    for (std::uint32_t channel = 0; channel < 3; ++channel) {
      const int hue = smooth_noise(seed + 100 + channel, x, y, kCoarsestHue) / 4;
      pixels[3 * i + channel] = static_cast<std::uint8_t>(std::clamp(light + hue, 0, 255));
    }
  }
}

double standard_deviation(const std::vector<double>& samples) {
  if (samples.size() < 2) return 0;
  const auto count = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (const double sample : samples) squares += (sample - mean) * (sample - mean);
  return std::sqrt(squares / (count - 1));
}

}  // namespace

void paint_pictures(Session& session) {
  const int width = session.model().input_width();
  const std::size_t pixels = static_cast<std::size_t>(session.model().input_height()) * static_cast<std::size_t>(width);
  for (int i = 0; i < session.batch(); ++i) {
    paint({session.picture(i), pixels * 3}, width, static_cast<std::uint32_t>(i) * 1000);
  }
}

double timed_run(Session& session) {
  const auto start = std::chrono::steady_clock::now();
  session.run(session.batch());
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
  return {median,
          samples.front(),
          percentile(samples, 0.9),
          percentile(samples, 0.99),
          median > 0 ? 100 * quartiles / median : 0,
          standard_deviation(samples)};
}

}  // namespace intvit
