#include "converter/lower/attention_parameters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "converter/lower/fixed_point.h"
#include "kernels/attention/attention.h"

namespace intvit {

Result<std::array<std::int32_t, kAttentionParameters>> attention_parameters(const UniformScheme& query,
                                                                            const UniformScheme& key,
                                                                            const UniformScheme& value,
                                                                            const UniformScheme& out, int head_dim) {
  // t of kernels/softmax/softmax.h per unit of score: log2(e) / sqrt(D), 11 fraction bits.
  const double per_unit =
      query.scale * key.scale / std::sqrt(head_dim) * std::numbers::log2e * (1 << kernels::kSoftmaxFractionBits);
  int exponent;
  const double fraction = std::frexp(per_unit, &exponent);  // [0.5, 1) * 2^exponent
  const int left = std::max(exponent, 0), right = std::max(-exponent, 0);
  if (left > 15 || right > 31 ||
      std::ldexp(static_cast<double>(query.highest_code()) * key.highest_code() * head_dim, left) >= 2147483648.0) {
    return Status(Code::unsupported, "scales of query and key whose product is out of range");
  }
  const Mantissa ratio = make_mantissa(value.scale / out.scale);
  if (ratio.shift < kernels::kMinRatioShift || ratio.shift > kernels::kMaxRatioShift) {
    return Status(Code::unsupported, "a value scale that is over 256 times its output's scale");
  }
  std::array<std::int32_t, kAttentionParameters> p;
  p[kQZero] = query.zero_point;
  p[kVZero] = value.zero_point;
  p[kSoftmaxLeftShift] = left;
  p[kSoftmaxRightShift] = right;
  p[kSoftmaxMultiplier] = std::min(static_cast<std::int32_t>(std::lround(std::ldexp(fraction, 16))), 65535);
  p[kRatio] = static_cast<std::int32_t>(ratio.mantissa);
  p[kRatioShift] = ratio.shift;
  p[kOutZero] = out.zero_point;
  return p;
}

}  // namespace intvit
