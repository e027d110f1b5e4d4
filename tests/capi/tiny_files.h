// Models for tests that are not C++20, as bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace intvit::test {

// Outputs logits, embedding, tokens and features; labels.
std::vector<std::uint8_t> four_outputs_file();

// The same, with some facts more.
std::vector<std::uint8_t> four_outputs_file_with(const std::map<std::string, std::string>& facts);

// Preprocessed for it: its input's bytes.
std::vector<std::uint8_t> four_outputs_picture(std::uint64_t seed);

}  // namespace intvit::test
