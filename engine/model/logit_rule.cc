#include "intvit/logit_rule.h"

#include <charconv>
#include <string_view>
#include <system_error>

#include "engine/model/model_impl.h"

namespace intvit {
namespace {

// With so many digits and so large exponents the number is a finite double.
constexpr std::int64_t kMostDigits = 100'000'000'000'000'000;
constexpr std::int64_t kLargestExponent = 290;

// A decimal number such as -16.5 or 1e-05.
bool read_decimal(std::string_view text, std::int64_t& mantissa, int& exponent) {
  const bool negative = text.substr(0, 1) == "-";
  std::size_t at = negative ? 1 : 0;
  std::int64_t digits = 0, shift = 0;
  bool any = false, behind_point = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !behind_point) {
      behind_point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    const bool fits = digits < kMostDigits;  // further digits do not count
    if (fits) digits = digits * 10 + (c - '0');
    shift += (fits ? 0 : 1) - (behind_point ? 1 : 0);
  }
  if (!any) return false;
  int written = 0;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return false;
    at += 1;
    if (text.substr(at, 1) == "+" && text.substr(at + 1, 1) != "-") at += 1;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + at, end, written);
    if (error != std::errc() || rest != end) return false;
  }
  const std::int64_t power = shift + written;
  if (power < -kLargestExponent || power > kLargestExponent) return false;
  mantissa = negative ? -digits : digits;
  exponent = static_cast<int>(power);
  return true;
}

}  // namespace

Result<LogitRule> Model::logit_rule() const try {
  LogitRule rule;
  rule.fraction_bits = logit_fraction_bits();
  // Of classes that do not exclude each other.
  const auto activation = metadata().find("activation");
  rule.sigmoid = activation != metadata().end() && activation->second == "sigmoid";
  const auto kind = metadata().find("zero_shot");
  if (kind == metadata().end()) return rule;
  rule.divisor = output("embedding");
  rule.sigmoid = kind->second == "sigmoid";
  if (!rule.divisor || (!rule.sigmoid && kind->second != "softmax")) {
    return {
        Code::corrupt_file,
        "the model's metadata zero_shot must be softmax or sigmoid, beside an output 'embedding'; convert it again"};
  }
  const auto bias = metadata().find("logit_bias");
  if (bias == metadata().end() || read_decimal(bias->second, rule.bias_mantissa, rule.bias_exponent)) return rule;
  return {Code::corrupt_file, "the model's metadata logit_bias is no number; convert it again"};
} catch (const std::bad_alloc&) {
  return no_memory([] { return "cannot allocate the rule of the logits"; });
}

}  // namespace intvit
