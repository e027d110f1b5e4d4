// How vitrun prints the results of pictures, one after another, in each of the formats or as digests. Pictures come
// with the values of all outputs where the model has others than logits.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tools/common/cli/output_format.h"
#include "tools/common/pictures/classify_in_order.h"

namespace intvit {

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  // One that ran.
  virtual void picture(const ClassifiedPicture& picture) = 0;
  // The reason went to stderr already.
  virtual void failure(const ClassifiedPicture& picture) = 0;
  virtual void finish() = 0;
};

struct ResultFormat {
  OutputFormat format = OutputFormat::text;
  bool digest = false;
  int top_k = 5;
  int fraction_bits = 16;  // of the logits
  LogitRule rule = {};
  std::vector<std::string> labels;  // one per class, or empty
  std::vector<Port> ports;          // the outputs of the model
  bool terminal = false;            // control characters in names and labels are escaped
  bool bars = false;                // text has a bar for each probability
};

std::unique_ptr<ResultWriter> make_result_writer(std::ostream& out, ResultFormat format);

}  // namespace intvit
