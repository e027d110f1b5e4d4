#include "tools/common/results/digest.h"

#include <vector>

#include "engine/format/checksum.h"

namespace intvit {

std::uint64_t logits_digest(std::span<const std::int32_t> logits) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(logits.size() * 4);
  for (const std::int32_t logit : logits) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(logit) >> shift));
    }
  }
  return checksum64(bytes);
}

std::string hex64(std::uint64_t value) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4) {
    *digit = "0123456789abcdef"[value & 15];
  }
  return digits;
}

}  // namespace intvit
