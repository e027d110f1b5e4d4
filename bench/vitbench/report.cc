#include "bench/vitbench/report.h"

namespace intvit::bench {

void print(std::ostream& out, Format format, const Report& report) {
  switch (format) {
    case Format::text:
      return print_tables(out, false, report);
    case Format::markdown:
      return print_tables(out, true, report);
    case Format::csv:
      return print_csv(out, report.rows);
    case Format::json:
      return print_json(out, report.rows);
  }
}

}  // namespace intvit::bench
