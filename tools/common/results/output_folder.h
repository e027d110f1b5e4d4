// The folder of --outputs: a .npy file for each output of the model, with a row for every picture that ran, in order.
// Collected in memory and written at the end, each file at once.
#pragma once

#include <string>
#include <vector>

#include "intvit/port.h"
#include "intvit/status.h"
#include "tools/common/results/npy.h"
#include "tools/common/results/outputs.h"

namespace intvit {

class OutputFolder {
 public:
  // An empty path: nothing is collected or written.
  OutputFolder(std::string path, const std::vector<Port>& ports);

  bool is_wanted() const { return !path_.empty(); }
  // Whether it can be written to: worth knowing before hours of work.
  Status check() const;
  // A picture: the values of all outputs.
  void add(const std::vector<RealValues>& outputs);
  // Makes the folder if it is not there.
  Status write();
  std::size_t rows() const { return rows_; }

 private:
  std::string file_of(const std::string& output) const;

  std::string path_;
  std::vector<std::string> names_;
  std::vector<NpyMatrix> arrays_;
  std::size_t rows_ = 0;
};

}  // namespace intvit
