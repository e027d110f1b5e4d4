// What --eval and --summarise print in the end, and the table of --confusion.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "intvit/isa.h"
#include "intvit/status.h"
#include "tools/common/cli/output_format.h"
#include "tools/common/results/accuracy.h"

namespace intvit {

struct EvalSpeed {
  double images_per_s = 0;
  Isa isa = Isa::scalar;
  int threads = 0;
};

struct EvalSummary {
  std::string model;
  Accuracy accuracy;
  std::int64_t failed = 0;
  std::optional<EvalSpeed> speed = std::nullopt;  // not known of parts that ran elsewhere
};

// As text, as a JSON object or as one on a line.
void print_summary(std::ostream& out, OutputFormat format, const EvalSummary& summary);

// How many pictures of each class were taken for which.
class Confusion {
 public:
  // A table with more classes is one that nobody reads.
  static constexpr int kMostClasses = 4096;

  void add(int target, int predicted) { ++counts_[{target, predicted}]; }
  // A row for each class of pictures, a column for each class that they were taken for. The headings are `labels`, or
  // numbers if there are none.
  Status write(const std::string& path, int classes, const std::vector<std::string>& labels) const;

 private:
  std::map<std::pair<int, int>, std::int64_t> counts_;
};

}  // namespace intvit
