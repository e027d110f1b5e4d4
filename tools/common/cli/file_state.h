// Whether somebody wrote to a file while it was mapped, so that results may come from two versions of it.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

#include "intvit/status.h"

namespace intvit {

class FileState {
 public:
  // To be made before the file is opened.
  explicit FileState(std::string path) : path_(std::move(path)), known_(::stat(path_.c_str(), &before_) == 0) {}

  // io if the same file was written to since. One that was replaced or removed is still mapped as it was.
  Status check() const {
    struct stat now {};
    if (!known_ || ::stat(path_.c_str(), &now) != 0) return {};
    if (now.st_dev != before_.st_dev || now.st_ino != before_.st_ino) return {};
    const bool same_time =
        now.st_mtim.tv_sec == before_.st_mtim.tv_sec && now.st_mtim.tv_nsec == before_.st_mtim.tv_nsec;
    if (same_time && now.st_size == before_.st_size) return {};
    return {Code::io, "'" + path_ +
                          "' was written to while it was in use, so results may be wrong; replace files by "
                          "renaming"};
  }

 private:
  std::string path_;
  struct stat before_ {};
  bool known_;
};

}  // namespace intvit
