#include "tools/common/pictures/input_pictures.h"

#include <filesystem>

#include "tools/common/pictures/picture_list.h"

namespace intvit {
namespace {

void expand(const std::string& input, std::vector<InputPicture>& pictures) {
  std::error_code ignored;  // what cannot be looked at is reported when it is read
  if (!std::filesystem::is_directory(input, ignored)) {
    pictures.push_back({input, {}});
    return;
  }
  const Result<std::vector<LabelledPicture>> found = read_picture_list(input);
  if (!found.ok()) {
    pictures.push_back({input, found.status()});
    return;
  }
  for (const LabelledPicture& picture : found.value()) pictures.push_back({picture.path, {}});
}

}  // namespace

std::vector<InputPicture> expand_inputs(const std::vector<std::string>& inputs, std::istream& names) {
  std::vector<InputPicture> pictures;
  for (const std::string& input : inputs) {
    if (input != "-") {
      expand(input, pictures);
      continue;
    }
    for (std::string name; std::getline(names, name);) {
      if (!name.empty()) expand(name, pictures);
    }
  }
  return pictures;
}

}  // namespace intvit
