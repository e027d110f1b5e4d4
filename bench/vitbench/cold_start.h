// What the first picture costs: from mapping the model to its first logits, in a process that has not done it before.
#pragma once

#include <cstdint>
#include <vector>

namespace intvit::bench {

// Milliseconds. Not counted: starting the process, decoding, and the copy of the pixels into the session. The file is
// in the page cache. A run is a batch.
struct ColdStart {
  double open = 0;                // Model::open: map the file, verify its checksums, validate the program
  double session = 0;             // Session::create: memory and threads
  double run = 0;                 // the first Session::run
  double touch = 0;               // not in the total: to read one byte of every page of another mapping of the file
  std::int64_t minor_faults = 0;  // pages mapped meanwhile that were in memory
  std::int64_t major_faults = 0;  // pages that had to be read

  double total() const { return open + session + run; }
};

// The one with the median time. `starts` must not be empty.
ColdStart median_cold_start(std::vector<ColdStart> starts);

}  // namespace intvit::bench
