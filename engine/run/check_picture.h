// Whether a session has a place for a picture: what both interfaces say where it has not.
#pragma once

#include <string>

#include "intvit/status.h"

namespace intvit {

inline Status check_picture(int index, int batch) {
  if (index >= 0 && index < batch) return {};
  return {Code::invalid_argument, "picture " + std::to_string(index) + " does not exist; the session's batch is " +
                                      std::to_string(batch) + ", counted from 0"};
}

}  // namespace intvit
