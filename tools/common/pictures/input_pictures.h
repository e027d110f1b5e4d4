// The INPUT arguments of a tool, expanded to pictures: a file is itself, a folder all pictures in it and below
// (sorted), and `-` the names in a stream, one per line, each a file or a folder. Files are not opened here.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct InputPicture {
  std::string path;
  Status problem;  // why `path`, a folder, gives no pictures
};

std::vector<InputPicture> expand_inputs(const std::vector<std::string>& inputs, std::istream& names);

}  // namespace intvit
