// What the handles of the C interface are.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/capi/errors.h"
#include "intvit/export.h"
#include "intvit/intvit.h"
#include "intvit/session.h"

namespace intvit {

// A log function of C's as one of C++'s. It must stay where it is while a LogSink refers to it.
struct CapiLog {
  intvit_log_function function = nullptr;
  void* context = nullptr;

  LogSink log() {
    if (function == nullptr) return {};
    return {[](void* self, LogLevel level, const char* message) {
              const CapiLog& log = *static_cast<CapiLog*>(self);
              log.function(log.context, static_cast<int>(level), message);
            },
            this};
  }
};

// Null for a null handle, with an error for the thread. Also for intvit-picture.
INTVIT_API Session* capi_session(intvit_session* session) noexcept;

}  // namespace intvit

struct intvit_model {
  std::shared_ptr<const intvit::Model> model;
  std::vector<std::pair<const char*, const char*>> metadata;  // that of the model, by place
};

struct intvit_session {
  intvit::CapiLog log;
  std::unique_ptr<intvit::Session> session;
};
