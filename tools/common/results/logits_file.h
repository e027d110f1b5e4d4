// The .npy file of --logits: the logits of the pictures that ran, in real values.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "intvit/status.h"
#include "tools/common/results/array_file.h"

namespace intvit {

class LogitsFile {
 public:
  // An empty path: nothing is collected or written.
  LogitsFile(std::string path, int classes, int fraction_bits);

  // Whether it can be written: worth knowing before hours of work.
  Status check() const { return file_.check(); }
  void add(std::span<const std::int32_t> logits);
  Status write() { return file_.write(); }
  std::size_t rows() const { return file_.rows(); }

 private:
  int fraction_bits_;
  ArrayFile file_;
};

}  // namespace intvit
