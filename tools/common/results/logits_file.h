// The .npy file of --logits: collects the logits of the pictures that ran, in order, and writes them at the end.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "intvit/status.h"
#include "tools/common/results/npy.h"

namespace intvit {

class LogitsFile {
 public:
  // An empty path: nothing is collected or written.
  LogitsFile(std::string path, int classes, int fraction_bits);

  // Whether it can be written: worth knowing before hours of work.
  Status check() const;
  void add(std::span<const std::int32_t> logits);
  Status write();
  std::size_t rows() const { return matrix_.rows(); }

 private:
  std::string path_;
  int fraction_bits_;
  NpyMatrix matrix_;
};

}  // namespace intvit
