#include "tools/common/pictures/labels_file.h"

#include <cstddef>
#include <fstream>
#include <utility>

#include "tools/common/cli/open_error.h"

namespace intvit {
namespace {

constexpr std::size_t kMaxLabelBytes = std::size_t{64} << 20;

}  // namespace

Result<std::vector<std::string>> read_labels(const std::string& path, int classes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return open_error("cannot open the labels file '" + path + "'", Code::not_found);
  std::vector<std::string> labels;
  std::size_t bytes = 0;
  std::string line;
  const auto add = [&] {
    if (labels.empty() && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // editors of Windows write it
    if (line.ends_with('\r')) line.pop_back();
    labels.push_back(std::move(line));
    line.clear();
  };
  char c = 0;
  while (labels.size() <= static_cast<std::size_t>(classes) && file.get(c)) {
    if (++bytes > kMaxLabelBytes) {
      return Status(Code::unsupported, "the labels file '" + path + "' exceeds 64 MiB");
    }
    if (c == '\n') {
      add();
    } else {
      line += c;
    }
  }
  if (file.bad()) return Status(Code::io, "cannot read the labels file '" + path + "'");
  if (!line.empty()) add();
  if (labels.size() == static_cast<std::size_t>(classes)) return labels;
  const bool more = labels.size() > static_cast<std::size_t>(classes);
  return Status(Code::invalid_argument,
                "the labels file '" + path + "' has " +
                    (more ? "more than " + std::to_string(classes) : std::to_string(labels.size())) +
                    " lines, but the model has " + std::to_string(classes) + " classes; write one label per class");
}

}  // namespace intvit
