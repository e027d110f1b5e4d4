#include <iostream>

#include "converter/families/load_network.h"
#include "tools/vitconvert/commands.h"

namespace intvit {

Result<FloatNetwork> load_with_notes(const std::string& source, const OutputChoice& outputs, const InputSize& input) {
  std::vector<std::string> notes;
  Result<FloatNetwork> network = load_network(source, &notes, outputs, input);
  for (const std::string& note : notes) std::cerr << "vitconvert: note: " << note << '\n';
  return network;
}

Status needs_logits(const FloatNetwork& network, const std::string& what) {
  if (network.classes() > 0) return {};
  return {Code::unsupported, what + " needs the logits of a classifier, and " + network.architecture + " gives none"};
}

}  // namespace intvit
