// What a sweep found out about one combination, and the small JSON file that keeps it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "tools/vitconvert/sweep/combination.h"
#include "tools/vitconvert/sweep/evaluate.h"

namespace intvit {

struct Latency {
  double milliseconds = 0;
  std::string isa;
  std::string cpu;
};

struct SweepResult {
  Combination combination;
  Status failure;  // if it is not ok, nothing below means anything
  bool reused = false;
  Evaluation evaluation;
  double effective_bits = 0;   // of activations (converter/errors/effective_bits.h)
  std::uint64_t bytes = 0;     // of the model file
  std::string model_checksum;  // of the model file, hexadecimal
  std::optional<Latency> latency;
};

nlohmann::ordered_json to_json(const SweepResult& result);

// Atomically.
Status write_result(const std::string& path, const SweepResult& result, const std::string& key);

enum class Stored { absent, damaged, other_key, ok };
Stored read_result(const std::string& path, const std::string& key, SweepResult& result);

}  // namespace intvit
