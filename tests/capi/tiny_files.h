// Models for tests that are not C++20, as bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace intvit::test {

// Outputs logits, embedding, tokens and features; labels.
std::vector<std::uint8_t> four_outputs_file();

// Preprocessed for it: its input's bytes.
std::vector<std::uint8_t> four_outputs_picture(std::uint64_t seed);

}  // namespace intvit::test
