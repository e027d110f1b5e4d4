#include "converter/methods/method.h"

#include <array>

namespace intvit {

#define VIT_METHOD(name, summary) Result<Plan> plan_##name(const MethodInput& input);
#include "converter/methods/methods.inc"
#undef VIT_METHOD

namespace {

constexpr std::array kMethods = {
#define VIT_METHOD(name, summary) Method{#name, summary, plan_##name},
#include "converter/methods/methods.inc"
#undef VIT_METHOD
};

}  // namespace

std::span<const Method> methods() { return kMethods; }

Result<Method> find_method(const std::string& name) {
  std::string known;
  for (const Method& method : kMethods) {
    if (method.name == name) return method;
    known += (known.empty() ? "" : ", ") + std::string(method.name);
  }
  return Status(Code::invalid_argument, "method '" + name + "' is unknown; choose one of: " + known);
}

}  // namespace intvit
