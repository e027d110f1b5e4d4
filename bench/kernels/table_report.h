// Prints a suite's tables as Markdown: medians of all repetitions, ratios of times to the first column, and the
// geometric mean of each column of ratios.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "bench/kernels/suite.h"

namespace intvit::bench {

class TableReport : public benchmark::BenchmarkReporter {
 public:
  explicit TableReport(const Suite& suite) : suite_(suite) {}

  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

  bool failed() const { return failed_; }

 private:
  double median(const std::string& name) const;  // seconds an item; 0 if it was not run
  void print(const Table& table, std::ostream& out) const;

  const Suite& suite_;
  std::map<std::string, std::vector<double>> seconds_;  // an item, by the benchmark's name
  bool failed_ = false;
};

}  // namespace intvit::bench
