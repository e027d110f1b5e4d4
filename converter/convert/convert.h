// The whole conversion: prepare, choose, round, lower, describe, check, and the bytes of the model file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "converter/errors/effective_bits.h"
#include "converter/errors/sensitivity.h"
#include "converter/errors/site_distribution.h"
#include "converter/errors/site_error.h"
#include "converter/errors/verify.h"
#include "converter/methods/budget.h"
#include "converter/methods/method.h"
#include "converter/methods/site_rules.h"
#include "converter/observe/calibrate.h"
#include "converter/optimise/reconstruction.h"
#include "engine/format/metadata.h"

namespace intvit {

class CalibrationCache;
class TrainingState;

struct ConvertOptions {
  std::string method = "percentile";
  int weight_bits = 8;
  int activation_bits = 8;
  bool feedback = true;        // weights are rounded with error feedback (converter/weights/), else to nearest
  bool equalise_heads = true;  // below 8 bits (converter/equalise/heads.h)
  std::uint64_t seed = 0;
  int threads = 1;
  std::optional<Plan> plan;                // used instead of the method's
  Budget budget = {};                      // auto only
  std::vector<std::string> settings = {};  // of the method's knobs, name=value (methods/knobs.h)
  std::vector<SiteRule> sites = {};        // in the place of what the method gives there; not with `plan` or `budget`
  Metadata origin = {};                    // what the file says of where the network comes from
  CalibrationCache* cache = nullptr;       // calibration may come from there, and is kept there
  PictureSource* unseen = nullptr;         // the check is made on these; null: on the calibration pictures
  bool optimise_modules = false;           // module-wise reconstruction (converter/optimise/)
  bool optimise_network = false;           // then all modules together
  // Of the knobs of `modules` or `network`, name=value; behind `modules.` or `network.` if there are both.
  std::vector<std::string> optimise_settings = {};
  TrainingState* training = nullptr;  // plan and training may come from there, and are kept there
  int sensitivity_pictures = 0;       // on which sensitivity is measured; 0: it is not
  int report_pictures = 0;            // on which `distributions` are measured; 0: they are not
};

struct Conversion {
  std::vector<std::uint8_t> file;
  Plan plan;
  Metadata metadata;
  Verification verification;
  EffectiveBits effective_bits;
  std::vector<SiteError> site_errors;  // in the order of execution
  std::uint64_t selftest_digest = 0;   // of the model as the runtime reads it
  std::optional<double> milliseconds;  // of one picture on one thread, where they were limited
  std::optional<Sensitivity> sensitivity;
  std::vector<ReconstructionOutcome> modules;  // that were optimised
  std::optional<ReconstructionOutcome> network_optimised;
  std::optional<Distributions> distributions;  // for the report; in no file
};

// Same network, pictures and options: same bytes, on any number of threads (CPUs with other instruction sets may round
// the float network differently in the last bit).
Result<Conversion> convert(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                           const Progress& progress);

// The first half of it: the quantizers that convert() would use, but nothing rounded or lowered.
Result<Plan> choose_plan(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                         const Progress& progress);

}  // namespace intvit
