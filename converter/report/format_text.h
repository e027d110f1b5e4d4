// In which number formats an operation works, in a few words: what `vitconvert inspect` shows of every step.
#pragma once

#include <string>

#include "engine/program/program.h"

namespace intvit {

// "4-bit weights, 16 codes"; empty where there is nothing to say. `op` is of `program`.
std::string format_text(const Op& op, const Program& program);

}  // namespace intvit
