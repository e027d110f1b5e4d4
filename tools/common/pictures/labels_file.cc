#include "tools/common/pictures/labels_file.h"

#include <fstream>

namespace intvit {

Result<std::vector<std::string>> read_labels(const std::string& path, int classes) {
  std::ifstream file(path);
  if (!file) return Status(Code::not_found, "cannot open the labels file '" + path + "'");
  std::vector<std::string> labels;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    labels.push_back(line);
    if (labels.size() > static_cast<std::size_t>(classes)) break;
  }
  if (file.bad()) return Status(Code::io, "cannot read the labels file '" + path + "'");
  if (labels.size() == static_cast<std::size_t>(classes)) return labels;
  const bool more = labels.size() > static_cast<std::size_t>(classes);
  return Status(Code::invalid_argument,
                "the labels file '" + path + "' has " +
                    (more ? "more than " + std::to_string(classes) : std::to_string(labels.size())) +
                    " lines, but the model has " + std::to_string(classes) + " classes; write one label per class");
}

}  // namespace intvit
