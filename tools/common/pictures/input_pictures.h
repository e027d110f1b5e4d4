// The INPUT arguments of a tool, expanded to pictures: a file is itself, a folder all pictures in it and below
// (sorted), and `-` the names in a stream, one per line, each a file or a folder. Files are not opened here.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "intvit/status.h"
#include "tools/common/pictures/prepared_picture.h"

namespace intvit {

struct InputPicture {
  std::string path;
  Status problem;                                             // why `path`, a folder, gives no pictures
  std::shared_ptr<const PreparedPicture> prepared = nullptr;  // if it has been read already
};

std::vector<InputPicture> expand_inputs(const std::vector<std::string>& inputs, std::istream& names);

}  // namespace intvit
