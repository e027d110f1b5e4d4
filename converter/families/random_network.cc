#include "converter/families/random_network.h"

#include "converter/families/family.h"
#include "models/architectures.h"
#include "models/swin_architectures.h"

namespace intvit {

bool is_known_architecture(const std::string& name) {
  return find_architecture(name) != nullptr || describe_swin_architecture(name).has_value();
}

Result<FloatNetwork> random_network(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                    const OutputChoice& outputs) {
  if (find_architecture(architecture) != nullptr) return random_vit(architecture, input, seed, outputs);
  if (describe_swin_architecture(architecture)) return random_swin(architecture, input, seed, outputs);
  return Status(Code::invalid_argument, "architecture '" + architecture + "' is unknown");
}

}  // namespace intvit
