#include "tools/common/pictures/picture_limits.h"

#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

#include "tools/common/cli/comma_list.h"

namespace intvit {
namespace {

struct Named {
  std::string_view name;
  std::int64_t PictureLimits::*limit;
};

constexpr Named kLimits[] = {{"pixels", &PictureLimits::pixels},
                             {"file", &PictureLimits::file_bytes},
                             {"scans", &PictureLimits::scans},
                             {"memory", &PictureLimits::memory_bytes}};

// 0: not a number above 0.
std::int64_t parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 1) return 0;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t factor = unit.empty() ? 1 : unit == "K" ? 1'000 : unit == "M" ? 1'000'000 : 1'000'000'000;
  if (factor == 1'000'000'000 && unit != "G") return 0;
  return number > std::numeric_limits<std::int64_t>::max() / factor ? 0 : number * factor;
}

}  // namespace

Status parse_limits(const std::string& text, PictureLimits& limits) {
  const Result<std::vector<std::string>> words = parse_names("--limits", text);
  if (!words.ok()) return words.status();
  for (const std::string& word : words.value()) {
    const std::size_t equals = word.find('=');
    const Named* found = nullptr;
    for (const Named& named : kLimits) {
      if (word.substr(0, equals) == named.name) found = &named;
    }
    const std::int64_t number =
        equals == std::string::npos ? 0 : parse_number(std::string_view(word).substr(equals + 1));
    if (found == nullptr || number == 0) {
      return {Code::invalid_argument,
              "--limits '" + word + "' must be pixels, file, scans or memory, = and a number such as 500 or 200M"};
    }
    limits.*found->limit = number;
  }
  return {};
}

std::string limits_text(const PictureLimits& limits) {
  std::string text;
  for (const Named& named : kLimits) {
    text += (text.empty() ? "" : ",") + std::string(named.name) + "=" + std::to_string(limits.*named.limit);
  }
  return text;
}

}  // namespace intvit
