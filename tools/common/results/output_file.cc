#include "tools/common/results/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "engine/format/writer.h"

namespace intvit {

namespace fs = std::filesystem;

Status check_output_file(const std::string& what, const std::string& path) {
  if (path.empty()) return {};
  const std::string complaint = "cannot write " + what + " to '" + path + "': ";
  std::error_code ignored;
  const fs::file_status there = fs::status(path, ignored);
  if (fs::is_directory(there)) return {Code::invalid_argument, complaint + "it is a folder; give a file name"};
  if (fs::is_socket(there)) return {Code::invalid_argument, complaint + "it is a socket; give another name"};
  const std::string target = without_links(path);
  // What is no regular file is not replaced, but written to.
  const bool is_written_to = fs::exists(there) && !fs::is_regular_file(there);
  const std::string folder = fs::path(target).parent_path().string();
  const int allowed =
      is_written_to ? ::access(target.c_str(), W_OK) : ::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK);
  if (allowed == 0) return {};
  return {Code::invalid_argument, complaint + std::generic_category().message(errno)};
}

}  // namespace intvit
