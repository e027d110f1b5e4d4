#include "tools/common/cli/stage_clock.h"

#include <algorithm>

namespace intvit {

std::string StageClock::line(const std::string& stage, int done, int total, double seconds) {
  const std::string text = stage + " " + std::to_string(done) + "/" + std::to_string(total);
  // A name may be there twice: the second one begins when another stage was between.
  const std::size_t from = current_ + (stage != last_ && current_ < stages_.size() && stages_[current_].name == last_);
  std::size_t found = from;
  while (found < stages_.size() && stages_[found].name != stage) ++found;
  if (found == stages_.size()) return text;
  current_ = found;
  last_ = stage;
  double all = 0, behind = 0;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    all += stages_[i].weight;
    if (i < current_) behind += stages_[i].weight;
  }
  if (total > 0) behind += stages_[current_].weight * std::min(done, total) / total;
  std::string line = "[" + std::to_string(current_ + 1) + "/" + std::to_string(stages_.size()) + "] " + text;
  constexpr double kEnough = 0.02;  // of the whole, before anything is said about the rest
  if (all > 0 && behind >= kEnough * all) {
    line += ", " + std::to_string(static_cast<long>(seconds * (all - behind) / behind + 0.5)) + " s left";
  }
  return line;
}

}  // namespace intvit
