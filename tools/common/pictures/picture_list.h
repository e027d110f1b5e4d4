// The pictures that a user names by one argument: a LIST file or a folder. Common to the tools; not in the library.
//
// A LIST is a text file with one `path label` per line; the label, a class index, may be missing. Paths are relative
// to the list's folder. Blank lines and lines that start with # are ignored; LF and CRLF both end a line. The label is
// what stands after the last blank, so a path with blanks in it needs one.
// A folder stands for all pictures in it and below, by their extensions, sorted by path, without labels.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct LabelledPicture {
  std::string path;
  int label = -1;  // -1: none given
};

// At least one picture, or an error. Whether the pictures exist is not looked at. Labels are 0 ... max_label. Folders
// below that cannot be listed are an error, or left out and named in `skipped`, where it is given.
Result<std::vector<LabelledPicture>> read_picture_list(const std::string& path,
                                                       int max_label = std::numeric_limits<int>::max(),
                                                       std::vector<std::string>* skipped = nullptr);

std::vector<std::string> paths_of(const std::vector<LabelledPicture>& pictures);

}  // namespace intvit
