// What the decoders of both encodings of the program section have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/format/byte_stream.h"
#include "engine/tensors/tensors.h"
#include "intvit/status.h"

namespace intvit {

Status corrupt(const std::string& message);

// `what` is something that this version does not know.
Status newer(const std::string& what);

Status damaged(const std::string& what, const ByteReader& reader);

// Where a constant lies in the data section.
struct ConstantPlace {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// Fills in the bytes of the constants, whose places must lie in `data` and share nothing.
Status set_bytes(std::span<const ConstantPlace> places, std::span<const std::uint8_t> data,
                 std::vector<Constant>& constants);

}  // namespace intvit
