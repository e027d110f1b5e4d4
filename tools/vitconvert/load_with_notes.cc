#include <iostream>

#include "converter/read/load_network.h"
#include "tools/vitconvert/commands.h"

namespace intvit {

Result<FloatNetwork> load_with_notes(const std::string& source) {
  std::vector<std::string> notes;
  Result<FloatNetwork> network = load_network(source, &notes);
  for (const std::string& note : notes) std::cerr << "vitconvert: note: " << note << '\n';
  return network;
}

}  // namespace intvit
