// Knobs: the numbers of a method that a user may choose (`vitconvert convert --set name=value`). They are declared in
// knobs.inc, one line each; `vitconvert list methods`, the checks and the errors follow from there. A switch is a knob
// from 0 to 1. Not for bits and threads, which all methods have (method.h).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct Knob {
  std::string_view method;
  std::string_view name;
  double initial;
  double lowest;
  double highest;
  std::string_view help;
};

// In the order of knobs.inc.
std::vector<Knob> knobs_of(std::string_view method);

// The values of all knobs of one method.
class Knobs {
 public:
  // The defaults.
  explicit Knobs(std::string_view method);

  // The defaults, changed by settings of the form name=value, the last of a name winning. invalid_argument naming the
  // method's knobs if there is no such knob, the value is no number or out of range.
  static Result<Knobs> with(std::string_view method, std::span<const std::string> settings);

  // The method must have the knob.
  double get(std::string_view name) const { return values_.find(name)->second; }
  bool on(std::string_view name) const { return get(name) != 0; }

 private:
  std::map<std::string, double, std::less<>> values_;
};

}  // namespace intvit
