#include "engine/capi/errors.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace intvit {
namespace {

// No string: it would allocate, and an error may be that there is no memory.
thread_local char last_error[1024];

static_assert(INTVIT_OK == static_cast<int>(Code::ok));
static_assert(INTVIT_INVALID_ARGUMENT == static_cast<int>(Code::invalid_argument));
static_assert(INTVIT_NOT_FOUND == static_cast<int>(Code::not_found));
static_assert(INTVIT_IO == static_cast<int>(Code::io));
static_assert(INTVIT_CORRUPT_FILE == static_cast<int>(Code::corrupt_file));
static_assert(INTVIT_UNSUPPORTED == static_cast<int>(Code::unsupported));
static_assert(INTVIT_UNSUPPORTED_CPU == static_cast<int>(Code::unsupported_cpu));
static_assert(INTVIT_OUT_OF_MEMORY == static_cast<int>(Code::out_of_memory));
static_assert(INTVIT_CHECK_FAILED == static_cast<int>(Code::check_failed));

}  // namespace

intvit_status capi_report(const Status& status) noexcept {
  if (status.ok()) return INTVIT_OK;
  const std::size_t length = std::min(status.message().size(), sizeof last_error - 1);
  std::memcpy(last_error, status.message().data(), length);
  last_error[length] = 0;
  return static_cast<intvit_status>(status.code());
}

}  // namespace intvit

extern "C" {

const char* intvit_last_error(void) { return intvit::last_error; }

const char* intvit_status_name(intvit_status status) {
  static constexpr const char* kNames[] = {"ok",           "invalid argument", "not found",       "io",
                                           "corrupt file", "unsupported",      "unsupported cpu", "out of memory",
                                           "check failed"};
  return status >= 0 && status < static_cast<intvit_status>(std::size(kNames)) ? kNames[status] : "unknown status";
}

const char* intvit_version(void) { return INTVIT_VERSION_STRING; }

}  // extern "C"
