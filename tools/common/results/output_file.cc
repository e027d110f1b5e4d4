#include "tools/common/results/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace intvit {

namespace fs = std::filesystem;

Status check_output_file(const std::string& what, const std::string& path) {
  if (path.empty()) return {};
  const std::string complaint = "cannot write " + what + " to '" + path + "': ";
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::is_directory(there)) return {Code::invalid_argument, complaint + "it is a folder; give a file name"};
  if (fs::exists(there) && !fs::is_regular_file(there)) {
    return {Code::invalid_argument, complaint + "it is no regular file; give another name"};
  }
  const std::string folder = fs::path(path).parent_path().string();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0) return {};
  return {Code::invalid_argument, complaint + std::generic_category().message(errno)};
}

}  // namespace intvit
