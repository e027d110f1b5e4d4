// What the integers of a model's logits stand for. The order of classes follows the integers alone; this is for
// probabilities that people read (intvit/classes.h).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace intvit {

// Of one picture: a real logit is integer * unit + bias.
struct LogitMeaning {
  double unit = 1;
  double bias = 0;
  bool sigmoid = false;  // every class by itself; else softmax over all

  double value(std::int32_t logit) const { return logit * unit + bias; }
};

// Of a model (Model::logit_rule): a real logit is integer * 2^-fraction_bits / norm + bias. The norm is 1, but for
// classes that are told by texts: then it is the L2 norm of another output of the same picture, its embedding.
struct LogitRule {
  int fraction_bits = 0;
  bool sigmoid = false;
  std::optional<std::size_t> divisor;  // the place of that output among Model::outputs()
  // The bias is bias_mantissa * 10^bias_exponent.
  std::int64_t bias_mantissa = 0;
  int bias_exponent = 0;

  double bias() const {
    const auto mantissa = static_cast<double>(bias_mantissa);
    return bias_exponent < 0 ? mantissa / std::pow(10.0, -bias_exponent) : mantissa * std::pow(10.0, bias_exponent);
  }
  // `norm` counts only where there is a divisor; of 0 all logits are 0.
  LogitMeaning of_norm(double norm) const {
    const double unit = std::ldexp(1.0, -fraction_bits);
    return {!divisor ? unit : norm > 0 ? unit / norm : 0, bias(), sigmoid};
  }
};

}  // namespace intvit
