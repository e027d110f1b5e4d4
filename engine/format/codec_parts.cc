#include "engine/format/codec_parts.h"

#include <algorithm>

#include "engine/format/layout.h"

namespace intvit {
namespace {

// Constants that share bytes would let a small file hold more numbers to check than it has bytes.
Status check_disjoint(const std::vector<Constant>& constants) {
  std::vector<const Constant*> order;
  for (const Constant& constant : constants) {
    if (!constant.bytes.empty()) order.push_back(&constant);
  }
  std::sort(order.begin(), order.end(),
            [](const Constant* a, const Constant* b) { return a->bytes.data() < b->bytes.data(); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i]->bytes.data() >= order[i - 1]->bytes.data() + order[i - 1]->bytes.size()) continue;
    return {Code::corrupt_file, "the program section is damaged: constants '" + order[i - 1]->name + "' and '" +
                                    order[i]->name + "' share bytes of the data section"};
  }
  return {};
}

}  // namespace

Status corrupt(const std::string& message) { return {Code::corrupt_file, message}; }

Status newer(const std::string& what) {
  return {Code::unsupported, what +
                                 ": the file was made by a newer intvit; use that version, or convert the checkpoint"
                                 " again with this one"};
}

Status damaged(const std::string& what, const ByteReader& reader) {
  return {Code::corrupt_file,
          "the program section is damaged: " + what + " near byte " + std::to_string(reader.position())};
}

Status set_bytes(std::span<const ConstantPlace> places, std::span<const std::uint8_t> data,
                 std::vector<Constant>& constants) {
  for (std::size_t i = 0; i < constants.size(); ++i) {
    Constant& constant = constants[i];
    const auto [offset, size] = places[i];
    const std::string damage = "the program section is damaged: constant '" + constant.name + "' ";
    if (constant.type > DataType::s32) return {Code::corrupt_file, damage + "has an unknown type"};
    if (offset > data.size() || size > data.size() - offset || offset % kSectionAlignment != 0 ||
        size % byte_size(constant.type) != 0) {
      return {Code::corrupt_file, damage + "(" + std::to_string(size) + " bytes at " + std::to_string(offset) +
                                      ") does not lie in the data section of " + std::to_string(data.size()) +
                                      " bytes"};
    }
    constant.bytes = data.subspan(offset, size);
  }
  return check_disjoint(constants);
}

}  // namespace intvit
