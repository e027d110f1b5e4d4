// What users are told of the pictures that tools read, once for all pictures.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "intvit/picture.h"

namespace intvit {

// Threads may add at the same time.
class PictureNotes {
 public:
  void add(const std::string& name, const PictureRemarks& remarks, const PictureOptions& options);

  // Lines that have not been taken before.
  std::vector<std::string> take();

 private:
  std::mutex mutex_;
  bool told_turned_ = false;
  bool told_clipped_ = false;
  std::vector<std::string> waiting_;
};

}  // namespace intvit
