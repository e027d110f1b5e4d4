// One of several shares of a list of pictures, for machines that work on it together.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "intvit/status.h"
#include "tools/common/pictures/picture_feed.h"

namespace intvit {

// Of N shares the K-th, 1..N: the pictures at places K - 1, K - 1 + N, ... Shares are of the same size within one, and
// which pictures are in one does not depend on how many there are.
struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;

  bool has(std::size_t place) const { return place % count == index - 1; }
};

// "2/8"; at most 1,000,000 shares.
Result<Shard> parse_shard(const std::string& text);

class ShardFeed : public PictureFeed {
 public:
  ShardFeed(std::unique_ptr<PictureFeed> all, const Shard& shard) : all_(std::move(all)), shard_(shard) {}

  std::optional<InputPicture> next() override {
    while (std::optional<InputPicture> picture = all_->next()) {
      if (shard_.has(place_++)) return picture;
    }
    return std::nullopt;
  }
  std::optional<std::size_t> count() const override {
    const std::optional<std::size_t> all = all_->count();
    if (!all) return all;
    return (*all + shard_.count - shard_.index) / shard_.count;
  }
  Status status() const override { return all_->status(); }

 private:
  std::unique_ptr<PictureFeed> all_;
  Shard shard_;
  std::size_t place_ = 0;
};

}  // namespace intvit
