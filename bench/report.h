// The results of vitbench as a table, Markdown, CSV or JSON.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "bench/options.h"
#include "bench/profile.h"
#include "engine/tools/run_times.h"

namespace intvit::bench {

struct Row {
  std::string model;
  std::string model_digest;
  std::string isa;
  int threads = 1;
  int batch = 1;
  std::size_t runs = 0;
  Summary milliseconds;     // of a run, which is a batch
  double images_per_s = 0;  // by the median
  double peak_rss_mib = 0;  // of a process that does nothing else
  std::string logits_digest;
  std::vector<ProfileRow> profile;  // by layer; empty without --profile
};

void report(std::ostream& out, Format format, const std::vector<Row>& rows);

}  // namespace intvit::bench
