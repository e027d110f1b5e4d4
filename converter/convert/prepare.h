// What a conversion starts from: the network, its heads equalised where that helps, and what calibration saw of it.
#pragma once

#include <map>
#include <string>

#include "converter/convert/convert.h"
#include "converter/observe/calibrate.h"

namespace intvit {

struct Preparation {
  FloatNetwork network;  // with `heads` folded in
  std::map<std::string, Equalisation> heads;
  Calibration calibration;
};

// The heads' equalisations are chosen, or those of a plan that is given.
Result<Preparation> prepare(const FloatNetwork& network, const PictureRun& run, const ConvertOptions& options);

}  // namespace intvit
