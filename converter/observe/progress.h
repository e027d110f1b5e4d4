// How far a long computation is, for whoever shows it.
#pragma once

#include <functional>
#include <string>

namespace intvit {

// `done` of `total` units of a stage; may be called from one thread at a time only.
using Progress = std::function<void(const std::string& stage, int done, int total)>;

}  // namespace intvit
