// A hand-made Vision Transformer with random but sensible constants, small enough to be run thousands of times: for
// tests of the file format, the session and the tools, and as seeds of the fuzzer. Every operation of the op set can be
// had.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/format/metadata.h"
#include "engine/program/program.h"
#include "tests/engine/tiny_options.h"

namespace intvit::test {

// The program and the memory that its constants point into.
struct TinyProgram {
  Program program;
  std::vector<std::unique_ptr<std::vector<std::uint64_t>>> storage;

  // Adds a constant and returns its number.
  template <typename T>
  ConstantId add(const std::string& name, DataType type, const std::vector<T>& values) {
    auto words = std::make_unique<std::vector<std::uint64_t>>((values.size() * sizeof(T) + 7) / 8);
    auto* bytes = reinterpret_cast<std::uint8_t*>(words->data());
    if (!values.empty()) std::memcpy(bytes, values.data(), values.size() * sizeof(T));
    program.constants.push_back({name, type, {bytes, values.size() * sizeof(T)}});
    storage.push_back(std::move(words));
    return static_cast<ConstantId>(program.constants.size() - 1);
  }
};

TinyProgram make_tiny_program(const TinyOptions& options = {});

Metadata tiny_metadata(const TinyOptions& options = {});

// The file of make_tiny_program().
std::vector<std::uint8_t> tiny_model_bytes(const TinyOptions& options = {});

// A picture for it: u8 [edge][edge][3].
std::vector<std::uint8_t> tiny_picture(const TinyOptions& options, std::uint64_t seed);

}  // namespace intvit::test
