// Between the C++ library and C: no exception gets out, and every error leaves its text with the thread.
#pragma once

#include <new>
#include <string>

#include "intvit/export.h"
#include "intvit/intvit.h"
#include "intvit/status.h"

namespace intvit {

// Keeps the text of an error for intvit_last_error(). Also for intvit-picture.
INTVIT_API intvit_status capi_report(const Status& status) noexcept;

// Runs `call`, which returns a Status.
template <typename Call>
intvit_status capi_guard(const Call& call) noexcept {
  try {
    return capi_report(call());
  } catch (const std::bad_alloc&) {
    return capi_report({Code::out_of_memory, "out of memory"});
  } catch (...) {
    return capi_report({Code::invalid_argument, "a function of the caller's threw an exception"});
  }
}

// There is nothing where something must be: `what` is its name.
inline Status capi_null(const char* what) { return {Code::invalid_argument, std::string(what) + " is NULL"}; }

inline Status capi_need(const void* pointer, const char* what) {
  return pointer != nullptr ? Status() : capi_null(what);
}

inline Status no_output(std::size_t port, std::size_t count) {
  return {Code::invalid_argument, "output " + std::to_string(port) + " does not exist; there are " +
                                      std::to_string(count) + ", counted from 0"};
}

}  // namespace intvit
