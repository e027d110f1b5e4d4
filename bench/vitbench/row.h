// One combination's results, as all formats report them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/vitbench/bootstrap.h"
#include "bench/vitbench/cold_start.h"
#include "bench/vitbench/machine_state.h"
#include "bench/vitbench/profile.h"
#include "bench/vitbench/run_times.h"

namespace intvit::bench {

enum class Verdict { same, faster, slower };
std::string verdict_name(Verdict verdict);

// "m.bin, avx2, 2 threads, batch 1"
std::string row_name(const std::string& model, const std::string& isa, int threads, int batch);

// With a row of an earlier measurement.
struct Comparison {
  double old_median = 0;  // ms
  Ratio ratio;            // new median / old median
  Verdict verdict = Verdict::same;
};

struct Row {
  std::string model;
  std::string model_digest;
  std::uint32_t op_set = 0;
  std::string isa;
  int threads = 1;
  int batch = 1;
  std::string pictures;       // what it ran on
  std::string pinned;         // the CPUs of its threads, "0,2"; empty: they were not bound
  std::vector<double> times;  // ms of every timed run, which is a batch
  Summary milliseconds;
  double gmac = 0;                    // billions of multiply-accumulates for one picture
  std::optional<double> peak_gmac_s;  // for these multiply-accumulates; none where the instruction set's is not known
  std::optional<double> barrier_ns;   // that so many threads take to meet; none for one
  double peak_rss_mib = 0;            // of a process that does nothing else
  ColdStart cold;
  std::string logits_digest;        // of all outputs; of a model that has nothing but logits, vitrun's
  std::vector<ProfileRow> profile;  // by layer; empty without --profile
  std::optional<Comparison> comparison;
  MachineState machine;  // the same of all rows of a measurement

  // By the median.
  double images_per_s() const { return batch * 1e3 / milliseconds.median; }
  double gmac_per_s() const { return gmac * images_per_s(); }
  std::optional<double> percent_of_peak() const;
  double cold_over_median() const { return cold.total() / milliseconds.median; }
  std::string name() const { return row_name(model, isa, threads, batch); }
};

}  // namespace intvit::bench
