#include "tools/common/results/logits_file.h"

#include <utility>
#include <vector>

#include "tools/common/results/output_file.h"
#include "tools/common/results/top_k.h"

namespace intvit {

LogitsFile::LogitsFile(std::string path, int classes, int fraction_bits)
    : path_(std::move(path)), fraction_bits_(fraction_bits), matrix_(static_cast<std::size_t>(classes)) {}

Status LogitsFile::check() const { return check_output_file("the logits", path_); }

void LogitsFile::add(std::span<const std::int32_t> logits) {
  if (path_.empty()) return;
  std::vector<float> row;
  row.reserve(logits.size());
  for (const std::int32_t logit : logits) row.push_back(static_cast<float>(logit_value(logit, fraction_bits_)));
  matrix_.add_row(row);
}

Status LogitsFile::write() { return path_.empty() ? Status() : matrix_.write(path_); }

}  // namespace intvit
