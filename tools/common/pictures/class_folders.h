// Labelled pictures as torchvision's ImageFolder takes them: a folder for each class, pictures in it and below.
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"
#include "tools/common/pictures/picture_list.h"

namespace intvit {

// Class folders are sorted by name, bytewise, and the pictures of each by path; files beside the class folders and
// names that begin with a dot are left out. Where a class folder has the name of one of `labels` (of all `classes`, or
// none), every one must, and that is its class. Otherwise the first is class 0, the second class 1, and there must be
// as many as classes. invalid_argument if neither fits, not_found if a class folder has no picture or if there is none,
// io.
Result<std::vector<LabelledPicture>> read_class_folders(const std::string& path, int classes,
                                                        const std::vector<std::string>& labels);

}  // namespace intvit
