// How vitrun prints the results of pictures, one after another: as text, as JSON or as digests. Pictures come with the
// values of all outputs where the model has others than logits.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "intvit/status.h"
#include "tools/common/pictures/classify_in_order.h"

namespace intvit {

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  // One that ran.
  virtual void picture(const std::string& name, const ClassifiedPicture& picture) = 0;
  // The reason went to stderr already.
  virtual void failure(const std::string& name, const Status& status) = 0;
  virtual void finish() = 0;
};

struct ResultFormat {
  bool json = false;
  bool digest = false;
  int top_k = 5;
  int fraction_bits = 16;  // of the logits
  LogitRule rule = {};
  std::vector<std::string> labels;  // one per class, or empty
  std::vector<Port> ports;          // the outputs of the model
};

std::unique_ptr<ResultWriter> make_result_writer(std::ostream& out, ResultFormat format);

}  // namespace intvit
