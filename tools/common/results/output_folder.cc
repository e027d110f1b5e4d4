#include "tools/common/results/output_folder.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "tools/common/results/output_file.h"

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
  if (fs::exists(path_, ignored)) {
    for (const std::string& name : names_) {
      if (Status status = check_output_file("output '" + name + "'", file_of(name)); !status.ok()) return status;
    }
    return {};
  }
  // Of "a/b/" it is the folder that b will be in.
  const fs::path name = fs::path(path_).has_filename() ? fs::path(path_) : fs::path(path_).parent_path();
  if (fs::is_symlink(name, ignored)) {
    return {Code::invalid_argument, complaint + "it is a link to a folder that does not exist"};
  }
  const std::string folder = name.parent_path().empty() ? "." : name.parent_path().string();
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return {Code::invalid_argument, complaint + std::generic_category().message(errno)};
}

std::string OutputFolder::file_of(const std::string& output) const {
  return (fs::path(path_) / (output + ".npy")).string();
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
    if (Status status = arrays_[i].write(file_of(names_[i])); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
