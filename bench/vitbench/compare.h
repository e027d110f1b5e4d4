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
  std::string as = {};       // the old model that all new ones are compared with; empty: each with itself
};

// The old row of the same threads, batch, instruction set and model: that of `as` or, where that is empty, the one with
// the same digest, else the one whose file has the same name in whatever folder. Null if there is none.
const OldRow* find_old(const OldMeasurement& old, const Row& row);

// Before anything is measured: invalid_argument, with what there is, if no old row belongs to any of `planned`, of
// which only names and numbers count.
Status check_comparable(const OldMeasurement& old, const std::vector<Row>& planned);

// Slower (or faster): the whole interval is above 1 + tolerance (or below 1 - tolerance).
Verdict judge(const Ratio& ratio, double tolerance_percent);

// Sets the comparison of every row that has an old one. Returns sentences about what makes comparisons doubtful.
std::vector<std::string> compare(const OldMeasurement& old, std::vector<Row>& rows);

// check_failed if some are slower, naming them.
Status check_not_slower(const std::vector<Row>& rows, const OldMeasurement& old);

}  // namespace intvit::bench
