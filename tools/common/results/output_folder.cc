#include "tools/common/results/output_folder.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace intvit {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(std::string path, const std::vector<Port>& ports) : path_(std::move(path)) {
  for (const Port& port : ports) {
    names_.push_back(port.name);
    arrays_.emplace_back(shape_of(port));
  }
}

Status OutputFolder::check() const {
  if (!is_wanted()) return {};
  const std::string complaint = "cannot write the outputs to '" + path_ + "': ";
  std::error_code ignored;
  if (fs::exists(path_, ignored) && !fs::is_directory(path_, ignored)) {
    return {Code::invalid_argument, complaint + "it is no folder; give the name of one"};
  }
  std::string folder = path_;
  if (!fs::exists(path_, ignored)) {
    // Of "a/b/" it is the folder that b will be in.
    const fs::path name = fs::path(path_).has_filename() ? fs::path(path_) : fs::path(path_).parent_path();
    folder = name.parent_path().empty() ? "." : name.parent_path().string();
  }
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return {Code::io, complaint + std::generic_category().message(errno)};
}

void OutputFolder::add(const std::vector<RealValues>& outputs) {
  if (!is_wanted()) return;
  for (std::size_t i = 0; i < outputs.size(); ++i) arrays_[i].add_row(outputs[i]);
  ++rows_;
}

Status OutputFolder::write() {
  if (!is_wanted()) return {};
  std::error_code error;
  fs::create_directory(path_, error);
  if (error) return {Code::io, "cannot make the folder '" + path_ + "': " + error.message()};
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    const std::string file = (fs::path(path_) / (names_[i] + ".npy")).string();
    if (Status status = arrays_[i].write(file); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
