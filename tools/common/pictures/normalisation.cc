#include "tools/common/pictures/normalisation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace intvit {
namespace {

// How far beyond 0 or 255 a pixel is that rounding alone explains.
constexpr double kRounding = 0.5;

// Three numbers behind `key`, with a blank before each.
bool read_numbers(std::string_view text, std::string_view key, std::array<double, 3>& numbers) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return false;
  const char* next = text.data() + at + key.size();
  const char* const end = text.data() + text.size();
  for (double& number : numbers) {
    if (next == end || *next != ' ') return false;
    const auto [rest, error] = std::from_chars(next + 1, end, number);
    if (error != std::errc() || !std::isfinite(number)) return false;
    next = rest;
  }
  return true;
}

}  // namespace

std::optional<Normalisation> normalisation_of(const Metadata& metadata) {
  const auto found = metadata.find("preprocessing");
  if (found == metadata.end()) return std::nullopt;
  Normalisation all{};
  if (!read_numbers(found->second, ", mean", all.mean) || !read_numbers(found->second, ", std", all.std)) {
    return std::nullopt;
  }
  if (std::any_of(all.std.begin(), all.std.end(), [](double std) { return std <= 0; })) return std::nullopt;
  return all;
}

Result<std::unique_ptr<std::uint8_t[]>> pixels_of(std::span<const float> values, const Normalisation& normalisation) {
  const std::size_t channels = normalisation.mean.size(), plane = values.size() / channels;
  auto pixels = std::make_unique_for_overwrite<std::uint8_t[]>(values.size());
  std::size_t beyond = 0;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t i = 0; i < plane; ++i) {
      const double value = values[channel * plane + i];
      if (std::isnan(value)) return Status(Code::invalid_argument, "it has values that are no numbers");
      const double pixel = 255 * (value * normalisation.std[channel] + normalisation.mean[channel]);
      beyond += pixel < -kRounding || pixel > 255 + kRounding;
      pixels[i * channels + channel] = static_cast<std::uint8_t>(std::lround(std::clamp(pixel, 0.0, 255.0)));
    }
  }
  if (beyond > values.size() / 10) {
    return Status(Code::invalid_argument,
                  std::to_string(100 * beyond / values.size()) +
                      " % of its values are no pixels that were normalised by the model's mean and std "
                      "(vitconvert inspect has them); give what the float network is fed");
  }
  return pixels;
}

}  // namespace intvit
