// A method's view of the network after its values have been balanced (quantizers/value_balance.h): the network
// and the statistics that the rest of the plan is made from.
#pragma once

#include <optional>

#include "converter/methods/method.h"

namespace intvit {

struct Balanced {
  std::map<std::string, Equalisation> equalisations;
  FloatNetwork network;
  CalibrationStatistics statistics;
};

// Two more passes over the calibration pictures.
Result<Balanced> balance_values(const MethodInput& input);

}  // namespace intvit
