#include "tools/common/results/array_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace intvit {

ArrayFile::ArrayFile(std::string path, std::string what, int columns)
    : path_(std::move(path)), what_(std::move(what)), matrix_(static_cast<std::size_t>(columns)) {}

Status ArrayFile::check() const {
  if (!is_wanted()) return {};
  const std::string complaint = "cannot write the " + what_ + " to '" + path_ + "': ";
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    return {Code::invalid_argument, complaint + "it is a folder; give a file name"};
  }
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) == 0) return {};
  return {Code::io, complaint + std::generic_category().message(errno)};
}

void ArrayFile::add(std::span<const float> row) {
  if (is_wanted()) matrix_.add_row(row);
}

Status ArrayFile::write() { return is_wanted() ? matrix_.write(path_) : Status(); }

}  // namespace intvit
