// Decides whether a program can be executed without ever leaving its buffers and constants. Everything that the session
// and the kernels rely on is checked here, once; nothing is checked while running.
#pragma once

#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

Status validate(const Program& program);

}  // namespace intvit
