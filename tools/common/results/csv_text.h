// Comma-separated values as RFC 4180 has them, but for its line ends: LF here.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// A field, in quotes where that is needed.
std::string csv_field(std::string_view text);

// Fields and the end of the line.
std::string csv_row(const std::vector<std::string>& fields);

// The shortest decimal number that reads as exactly this one.
std::string exact_text(double value);

// Reads the next row, which may have line ends within quotes. False at the end of the stream. invalid_argument if
// quotes do not match or if a row has more than 16 MiB.
Result<bool> read_csv_row(std::istream& in, std::vector<std::string>& fields);

}  // namespace intvit
