// Rows of an earlier `vitbench --json`, to compare with.
#pragma once

#include <string>
#include <vector>

#include "bench/vitbench/row.h"
#include "intvit/status.h"

namespace intvit::bench {

struct OldRow {
  std::string model;
  std::string model_digest;
  std::string isa;
  int threads = 1;
  int batch = 1;
  std::vector<double> times;  // ms, at least one, all above 0
  std::string pictures, pinned, cpu, compiler, build_type, flags;
  bool profiled = false;

  std::string name() const { return row_name(model, isa, threads, batch); }
};

// invalid_argument, with the file's name, if it cannot be read, is not JSON, or holds no such rows.
Result<std::vector<OldRow>> read_old_rows(const std::string& path);

// The same from the file's text; messages without its name.
Result<std::vector<OldRow>> parse_old_rows(const std::string& text);

}  // namespace intvit::bench
