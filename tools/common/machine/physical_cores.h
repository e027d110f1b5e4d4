// The default number of threads: integer kernels fill a core, so that its second hardware thread adds nothing.
#pragma once

namespace intvit {

// Distinct cores among the CPUs that this process may run on (taskset, cpusets); hardware threads where Linux does not
// tell. At least 1.
int physical_cores();

}  // namespace intvit
