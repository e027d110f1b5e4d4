#include "tools/common/results/logits_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "tools/common/results/top_k.h"

namespace intvit {

LogitsFile::LogitsFile(std::string path, int classes, int fraction_bits)
    : path_(std::move(path)), fraction_bits_(fraction_bits), matrix_(static_cast<std::size_t>(classes)) {}

Status LogitsFile::check() const {
  if (path_.empty()) return {};
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    return {Code::invalid_argument, "cannot write the logits to '" + path_ + "': it is a folder; give a file name"};
  }
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) == 0) return {};
  return {Code::io, "cannot write the logits to '" + path_ + "': " + std::generic_category().message(errno)};
}

void LogitsFile::add(std::span<const std::int32_t> logits) {
  if (path_.empty()) return;
  std::vector<float> row;
  row.reserve(logits.size());
  for (const std::int32_t logit : logits) row.push_back(static_cast<float>(logit_value(logit, fraction_bits_)));
  matrix_.add_row(row);
}

Status LogitsFile::write() { return path_.empty() ? Status() : matrix_.write(path_); }

}  // namespace intvit
