// The forms in which tools print results.
#pragma once

namespace intvit {

// In the order in which messages name them. jsonl: one JSON object per line, so that output that is cut off has whole
// ones.
enum class OutputFormat { text, markdown, csv, json, jsonl };

}  // namespace intvit
