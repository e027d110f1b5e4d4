// What a sweep tries: methods x bit widths, parsed from the command line and checked before anything is computed.
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct BitWidths {
  int weights = 8;
  int activations = 8;

  std::string name() const { return "w" + std::to_string(weights) + "a" + std::to_string(activations); }
};

// "w4a4,w6a6,w4a8"; nothing else, each once.
Result<std::vector<BitWidths>> parse_bit_widths(const std::string& option, const std::string& text);

struct Combination {
  std::string method;
  BitWidths bits;
  std::vector<std::string> settings = {};  // of the method's knobs, name=value

  std::string name() const { return method + "_" + bits.name(); }  // of its files
  std::string method_and_settings() const;                         // "igq groups=4"
};

// `methods` is a list such as "repq,igq", `settings` are method.name=value. In the order given, methods outermost.
Result<std::vector<Combination>> make_combinations(const std::string& methods, const std::string& bits,
                                                   const std::vector<std::string>& settings);

}  // namespace intvit
