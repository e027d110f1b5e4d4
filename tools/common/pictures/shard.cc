#include "tools/common/pictures/shard.h"

#include <charconv>

namespace intvit {

Result<Shard> parse_shard(const std::string& text) {
  constexpr std::size_t kMostShards = 1'000'000;
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, error] = std::from_chars(text.data(), end, shard.index);
  if (error == std::errc() && slash != end && *slash == '/') {
    const auto [rest, other_error] = std::from_chars(slash + 1, end, shard.count);
    const bool is_number = other_error == std::errc() && rest == end;
    if (is_number && shard.index >= 1 && shard.index <= shard.count && shard.count <= kMostShards) return shard;
  }
  return Status(Code::invalid_argument, "--shard '" + text + "' must be K/N, the K-th of N shares, such as 1/8");
}

}  // namespace intvit
