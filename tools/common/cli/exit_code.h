// The exit codes of every tool. Scripts rely on them: never renumber.
#pragma once

#include "intvit/status.h"

namespace intvit {

enum ExitCode : int {
  kExitOk = 0,
  kExitSomeInputsFailed = 1,  // the others were processed
  kExitUsage = 2,
  kExitModel = 3,  // model or checkpoint invalid or unsupported
  kExitCpu = 4,    // this CPU cannot run it
  kExitCheckFailed = 5,
};

// The exit code of a tool that stops because of `status` while it handles its model or its options.
inline int exit_code_for(const Status& status) {
  switch (status.code()) {
    case Code::ok:
      return kExitOk;
    case Code::invalid_argument:
      return kExitUsage;
    case Code::unsupported_cpu:
      return kExitCpu;
    case Code::check_failed:
      return kExitCheckFailed;
    default:
      return kExitModel;
  }
}

}  // namespace intvit
