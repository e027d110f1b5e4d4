#include "tools/common/results/logits_file.h"

#include <utility>
#include <vector>

#include "tools/common/results/top_k.h"

namespace intvit {

LogitsFile::LogitsFile(std::string path, int classes, int fraction_bits)
    : fraction_bits_(fraction_bits), file_(std::move(path), "logits", classes) {}

void LogitsFile::add(std::span<const std::int32_t> logits) {
  if (!file_.is_wanted()) return;
  std::vector<float> row;
  row.reserve(logits.size());
  for (const std::int32_t logit : logits) row.push_back(static_cast<float>(logit_value(logit, fraction_bits_)));
  file_.add(row);
}

}  // namespace intvit
