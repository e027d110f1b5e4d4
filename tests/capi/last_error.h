// What the C interface said last.
#pragma once

#include <string>

#include "intvit/intvit.h"

namespace intvit::test {

inline bool error_says(const std::string& part) {
  return std::string(intvit_last_error()).find(part) != std::string::npos;
}

}  // namespace intvit::test
