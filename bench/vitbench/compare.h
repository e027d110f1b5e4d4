// Rows against those of an earlier measurement.
#pragma once

#include <string>
#include <vector>

#include "bench/vitbench/old_rows.h"
#include "bench/vitbench/row.h"

namespace intvit::bench {

struct OldMeasurement {
  std::string path;
  std::vector<OldRow> rows;
  double tolerance_percent;  // what counts as the same
};

// The old row of the same threads, batch, instruction set and model: the one with the same digest, else the one whose
// file has the same name in whatever folder; null if there is none.
const OldRow* find_old(const std::vector<OldRow>& old_rows, const Row& row);

// Slower (or faster): the whole interval is above 1 + tolerance (or below 1 - tolerance).
Verdict judge(const Ratio& ratio, double tolerance_percent);

// Sets the comparison of every row that has an old one. Returns sentences about what makes comparisons doubtful.
std::vector<std::string> compare(const OldMeasurement& old, std::vector<Row>& rows);

// invalid_argument if no row was compared, check_failed if some are slower, naming them.
Status check_not_slower(const std::vector<Row>& rows, const OldMeasurement& old);

}  // namespace intvit::bench
