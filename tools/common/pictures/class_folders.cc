#include "tools/common/pictures/class_folders.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "tools/common/cli/open_error.h"
#include "tools/common/cli/shown_text.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> class_names(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (entry->is_directory(ignored) && name[0] != '.') names.push_back(name);
  }
  if (error) return list_error(path, error);
  if (names.empty()) {
    return Status(Code::not_found,
                  "no folder in the folder " + path +
                      "; --eval needs a LIST, or a folder that has a folder of pictures for each class");
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The class of each folder.
Result<std::vector<int>> classes_of(const std::vector<std::string>& names, const std::string& path, int classes,
                                    const std::vector<std::string>& labels) {
  std::map<std::string, int> known;  // -1: of several classes
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [label, is_new] = known.emplace(labels[i], static_cast<int>(i));
    if (!is_new) label->second = -1;
  }
  std::vector<int> found;
  std::string first_unknown;
  for (const std::string& name : names) {
    const auto label = known.find(name);
    if (label != known.end() && label->second < 0) {
      return Status(Code::invalid_argument, "the folder '" + shortened(name) + "' in " + path +
                                                " has the name of several classes; give a LIST with class indices");
    }
    if (label != known.end()) {
      found.push_back(label->second);
    } else if (first_unknown.empty()) {
      first_unknown = name;
    }
  }
  if (first_unknown.empty()) return found;
  if (!found.empty()) {
    return Status(Code::invalid_argument, "the folder '" + shortened(first_unknown) + "' in " + path +
                                              " has the name of no class, but other folders have; rename or move it");
  }
  if (names.size() != static_cast<std::size_t>(classes)) {
    return Status(Code::invalid_argument,
                  path + " has " + std::to_string(names.size()) + " class folders, but the model has " +
                      std::to_string(classes) +
                      " classes, and the folders' names are not those of its labels; give a LIST with class indices");
  }
  for (int i = 0; i < classes; ++i) found.push_back(i);
  return found;
}

}  // namespace

Result<std::vector<LabelledPicture>> read_class_folders(const std::string& path, int classes,
                                                        const std::vector<std::string>& labels) {
  const Result<std::vector<std::string>> names = class_names(path);
  if (!names.ok()) return names.status();
  const Result<std::vector<int>> found = classes_of(names.value(), path, classes, labels);
  if (!found.ok()) return found.status();
  std::vector<LabelledPicture> pictures;
  for (std::size_t i = 0; i < names.value().size(); ++i) {
    const auto in_class = read_picture_list((fs::path(path) / names.value()[i]).string());
    if (!in_class.ok()) return in_class.status();
    for (const LabelledPicture& picture : in_class.value()) pictures.push_back({picture.path, found.value()[i]});
  }
  return pictures;
}

}  // namespace intvit
