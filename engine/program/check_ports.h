// What a port may be. Buffers have been checked before.
#pragma once

#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

Status check_ports(const Program& program);

// Of a program whose steps have been checked: what the outputs show has been written, in a form that callers can read.
Status check_outputs_are_written(const Program& program);

}  // namespace intvit
