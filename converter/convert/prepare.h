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

// A plan that is given brings its own equalisations, so nothing is equalised for it.
Result<Preparation> prepare(const FloatNetwork& network, PictureSource& pictures, const ConvertOptions& options,
                            const Progress& progress);

}  // namespace intvit
