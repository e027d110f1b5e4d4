// The limits of pictures as a text such as "pixels=200M,scans=500".
#pragma once

#include <string>

#include "intvit/picture.h"

namespace intvit {

// Changes the limits that `text` names: pixels, file, scans, memory. K, M and G behind a number stand for 10^3, 10^6
// and 10^9; file and memory are bytes.
Status parse_limits(const std::string& text, PictureLimits& limits);

// All of them, as parse_limits() reads them.
std::string limits_text(const PictureLimits& limits);

}  // namespace intvit
