// Makes the sizes and checksums of a damaged model file agree with its contents again, so that tests and the fuzzer
// reach what lies behind them: the decoder, the validation and the kernels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/format/layout.h"

namespace intvit::test {

// Where a section lies, as the section table says; empty if it lies outside the file or does not exist.
std::span<std::uint8_t> section_of(std::vector<std::uint8_t>& file, SectionId id);

// The i-th record of the section table, to be damaged.
SectionRecord& record_of(std::vector<std::uint8_t>& file, std::size_t i);

// Repairs the file size, the checksums of all sections that lie inside the file, and that of the section table.
// Whatever else is wrong stays wrong. Does nothing to a file that is shorter than a header.
void repair_checksums(std::vector<std::uint8_t>& file);

}  // namespace intvit::test
