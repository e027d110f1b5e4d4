// The results of vitbench as text, Markdown, CSV or JSON.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "bench/vitbench/options.h"
#include "bench/vitbench/peak.h"
#include "bench/vitbench/row.h"

namespace intvit::bench {

// The peak of one instruction set with so many threads, and what those take to meet.
struct MachinePeak {
  Isa isa = Isa::scalar;
  int threads = 1;
  std::optional<Peak> peak;
  std::optional<double> barrier_ns;  // none for one thread
};

struct Report {
  std::vector<MachinePeak> peaks;
  std::vector<Row> rows;
};

void print(std::ostream& out, OutputFormat format, const Report& report);

// Text or Markdown: what the rows share, then tables.
void print_tables(std::ostream& out, bool markdown, const Report& report);
// One table: the rows, or with profiles the steps of all rows.
void print_csv(std::ostream& out, const std::vector<Row>& rows);
// An array of one object per row.
void print_json(std::ostream& out, const std::vector<Row>& rows);
// The same objects, a line each.
void print_json_lines(std::ostream& out, const std::vector<Row>& rows);

}  // namespace intvit::bench
