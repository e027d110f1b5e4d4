// How far a computation of several stages is, and how long all of it will still take.
#pragma once

#include <string>
#include <vector>

namespace intvit {

struct NumberedStage {
  std::string name;
  double weight;  // how long it takes, in any unit that all of them share
};

class StageClock {
 public:
  explicit StageClock(std::vector<NumberedStage> stages) : stages_(std::move(stages)) {}

  // A line for `done` of `total` units of a stage, `seconds` after the beginning:
  // "[2/6] calibrating 12/32, 80 s left". Stages come in order and may be left out; one that is not expected has no
  // number, and no time is promised for it.
  std::string line(const std::string& stage, int done, int total, double seconds);

 private:
  std::vector<NumberedStage> stages_;
  std::size_t current_ = 0;
  std::string last_;  // the stage of the call before
};

}  // namespace intvit
