// Words for Operation::describe().
#pragma once

#include <string>
#include <utility>

#include "engine/ops/coarse_steps.h"
#include "engine/ops/linear_constants.h"

namespace intvit {

class Description {
 public:
  void add(const std::string& what) { text_ += (text_.empty() ? "" : ", ") + what; }
  void add(std::uint32_t count, const std::string& what) { add(std::to_string(count) + " " + what); }
  void add_if(bool is, const std::string& what) {
    if (is) add(what);
  }
  void add_weights(const LinearConstants& linear) { add(std::to_string(linear.bits) + "-bit weights"); }
  void add_planes(std::uint32_t planes) { add_if(planes == 2, "two byte planes"); }
  void add_coarse_steps(const CoarseSteps& coarse_steps) {
    add_if(coarse_steps.any(), "residual of " + std::to_string(2 * (coarse_steps.limit + 1)) + " codes");
  }
  // Codes, or values in finer units for an encode operation.
  void add_result(const Buffer& dst, std::uint32_t max_code) {
    if (dst.type == DataType::u8) add(max_code + 1, "codes");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace intvit
