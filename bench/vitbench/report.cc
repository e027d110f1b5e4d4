#include "bench/vitbench/report.h"

namespace intvit::bench {

void print(std::ostream& out, OutputFormat format, const Report& report) {
  switch (format) {
    case OutputFormat::text:
      return print_tables(out, false, report);
    case OutputFormat::markdown:
      return print_tables(out, true, report);
    case OutputFormat::csv:
      return print_csv(out, report.rows);
    case OutputFormat::json:
      return print_json(out, report.rows);
    case OutputFormat::jsonl:
      return print_json_lines(out, report.rows);
  }
}

}  // namespace intvit::bench
