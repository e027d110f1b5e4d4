// The instruction sets that kernels are written for, and what this CPU can do.
#pragma once

#include <optional>
#include <string_view>

#include "intvit/export.h"
#include "intvit/view.h"

namespace intvit {

// In rising order of preference. A higher one may fall back to a lower one for a kernel family that it does not have.
// neon, of ARM, is a name only: no kernels are written for it yet.
enum class Isa : int { scalar = 0, neon, avx2, avxvnni, avx512vnni, amx };
inline constexpr int kIsaCount = 6;

// "avx2" and so on, as the enumerators are called, with a 0 behind it; "unknown" for a value that is none of them, and
// nothing for a name that is none.
INTVIT_API std::string_view isa_name(Isa isa);
INTVIT_API std::optional<Isa> isa_from_name(std::string_view name);

// True if the CPU has the instructions and the operating system saves their registers. Asking for amx also asks Linux
// for the permission to use its tiles, which then holds for the whole process.
INTVIT_API bool cpu_supports(Isa isa);

// True if this build contains kernels written for `isa`.
INTVIT_API bool isa_is_built(Isa isa);

// Built and supported here, in rising order; never empty, since scalar is always there.
INTVIT_API View<const Isa> available_isas();

// The one to use where nobody names another.
INTVIT_API Isa best_isa();

}  // namespace intvit
