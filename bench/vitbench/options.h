// The command line of vitbench.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "intvit/picture.h"
#include "tools/common/cli/output_format.h"

namespace intvit::bench {

struct Options {
  std::vector<std::string> models;
  std::vector<int> threads;
  std::vector<Isa> isas;
  std::vector<int> batches;
  std::vector<std::string> pictures;  // files for the places of a batch, in turn; empty: painted ones
  PictureOptions reading;
  int warmup = 0;      // untimed runs before everything
  int runs = 0;        // timed runs per combination; 0: as many as fit into `seconds`
  double seconds = 0;  // 0: no limit
  bool profile = false;
  std::string trace;    // file to write; empty: none
  std::string compare;  // file to read; empty: none
  std::string as;       // a model there that all are compared with; empty: each with itself
  double tolerance_percent = 3;
  std::vector<int> pin;  // CPUs of the threads, as many as any of `threads` at least; empty: threads are not bound
  OutputFormat format = OutputFormat::text;
};

// Fills `options`, or returns the exit code with which vitbench has to stop.
std::optional<int> parse_options(int argc, const char* const* argv, Options& options);

}  // namespace intvit::bench
