// What a model may cost. Only `auto` (converter/methods/) takes one.
#pragma once

#include "intvit/isa.h"

namespace intvit {

struct Budget {
  double milliseconds = 0;  // of one picture on one thread; 0: any
  double megabytes = 0;     // of the model file, 10^6 bytes; 0: any
  Isa isa = Isa::scalar;    // that the milliseconds are of

  bool limited() const { return milliseconds > 0 || megabytes > 0; }
};

}  // namespace intvit
