// What checks have found out about constants. Each constant is read once for each kind of fact, however many steps name
// it, so that checking a program takes time in proportion to its file.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <typeindex>
#include <utility>

#include "engine/tensors/tensors.h"

namespace intvit {

class ConstantFacts {
 public:
  // A fact of type T; find() finds it out when it is first asked for.
  template <typename T, typename Find>
  T& of(const Constant& constant, Find find) {
    std::any& fact = facts_[{&constant, typeid(T)}];
    if (!fact.has_value()) {
      bytes_read_ += constant.bytes.size();
      fact = std::any(T(find()));
    }
    return *std::any_cast<T>(&fact);
  }

  // For tests.
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::map<std::pair<const Constant*, std::type_index>, std::any> facts_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace intvit
