#include "engine/run/select_isa.h"

#include <cstdlib>

namespace intvit {

std::string available_isa_names() {
  std::string names;
  for (const Isa isa : available_isas()) names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  return names;
}

Result<Isa> select_isa(const std::string& requested) {
  std::string name = requested;
  std::string origin = "instruction set '" + name + "'";
  if (name.empty()) {
    const char* environment = std::getenv("INTVIT_ISA");
    if (environment == nullptr || *environment == '\0') return best_isa();
    name = environment;
    origin = "INTVIT_ISA='" + name + "'";
  }
  const auto isa = isa_from_name(name);
  const std::string available = "; available here: " + available_isa_names();
  if (!isa) return Status(Code::invalid_argument, origin + " is unknown" + available);
  if (!isa_is_built(*isa)) return Status(Code::unsupported_cpu, origin + " is not part of this build" + available);
  if (!cpu_supports(*isa)) return Status(Code::unsupported_cpu, origin + " is not supported by this CPU" + available);
  return *isa;
}

}  // namespace intvit
