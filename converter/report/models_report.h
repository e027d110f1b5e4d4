// One self-contained page about model files: what they are, accuracy against size and time, and whose answers changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "intvit/model.h"

namespace intvit {

struct ReportedModel {
  std::string name;
  std::shared_ptr<const Model> model;
  std::optional<double> milliseconds;  // a picture on one thread
  std::optional<double> top1;          // percent of the evaluation pictures
};

// A picture to which not all models give the same answer.
struct ChangedAnswer {
  std::string picture;
  int label = -1;
  std::vector<int> answers;  // the most likely class of the float network if it is known, then of each model
  std::string thumbnail;     // source of an <img>, or empty
};

struct ModelsReport {
  std::vector<ReportedModel> models;
  std::string isa;            // of the times
  std::string list;           // of evaluation pictures, or empty
  bool has_float = false;     // the float network's answers are known, and are what others are compared with
  double float_top1 = 0;      // percent
  std::int64_t pictures = 0;  // that were evaluated
  std::int64_t failed = 0;    // that cannot be read, and are in no figure
  std::int64_t changed = 0;   // of them, those where an answer differs from the float network's or the first model's
  std::vector<ChangedAnswer> answers;  // the first of those
};

std::string models_report(const ModelsReport& report);

}  // namespace intvit
