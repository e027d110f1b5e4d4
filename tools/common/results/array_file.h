// A .npy file with a row for every picture that ran: --logits, --embedding. Collected in memory, written at the end.
#pragma once

#include <span>
#include <string>

#include "intvit/status.h"
#include "tools/common/results/npy.h"

namespace intvit {

class ArrayFile {
 public:
  // An empty path: nothing is collected or written. `what` is in it, for messages.
  ArrayFile(std::string path, std::string what, int columns);

  bool is_wanted() const { return !path_.empty(); }
  // Whether it can be written: worth knowing before hours of work.
  Status check() const;
  void add(std::span<const float> row);
  Status write();
  std::size_t rows() const { return matrix_.rows(); }

 private:
  std::string path_;
  std::string what_;
  NpyMatrix matrix_;
};

}  // namespace intvit
