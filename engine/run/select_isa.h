// Which instruction set a session uses: what the caller asks for, else the environment variable INTVIT_ISA, else the
// best one that this CPU has (best_isa()). Asking for one that is unknown, not built or absent is an error that names
// the available ones.
#pragma once

#include <string>

#include "intvit/isa.h"
#include "intvit/status.h"

namespace intvit {

// `requested` is a name such as "avx2", or empty.
Result<Isa> select_isa(const std::string& requested);

// "scalar, avx2, avx512vnni"
std::string available_isa_names();

}  // namespace intvit
