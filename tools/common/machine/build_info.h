// What this build is, for --version and for the rows of a benchmark.
#pragma once

#include <string>

namespace intvit {

std::string version();      // "0.1.0"
std::string commit();       // as git describes it: "1f0c6a2b3d4e", "-dirty" with changes; or "unknown"
std::string compiler();     // "gcc 12.2.0"
std::string build_type();   // "Release"
std::string build_flags();  // the compiler's options for files without instruction sets of their own: "-O3 -DNDEBUG"
std::string built_isa_names();  // "scalar, avx2"; those available here: engine/run/select_isa.h

// Several lines: version, commit, compiler, build type, and the instruction sets built, available here, and used by
// default.
std::string version_text(const std::string& tool);

}  // namespace intvit
