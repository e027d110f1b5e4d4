// What --eval printed, read again for --summarise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "intvit/status.h"
#include "tools/vitrun/eval_summary.h"

namespace intvit {

// Its last line may say it once more.
struct EvalPart {
  Accuracy accuracy;
  std::int64_t failed = 0;
  std::optional<EvalSummary> summary;
};

// Of a file as --format json, jsonl or csv has it, from anywhere. not_found, io, out_of_memory, or invalid_argument
// where it is something else.
Result<EvalPart> read_eval_part(const std::string& path);

}  // namespace intvit
