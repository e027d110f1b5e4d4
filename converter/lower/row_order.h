// In which order a program has the rows of a tensor. Attention in windows is local to rows that lie together, so tokens
// lie window by window: then a thread goes through a whole block with the rows of a few windows, which stay near it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "converter/graph/network.h"

namespace intvit {

class RowOrder {
 public:
  // As the network has them.
  RowOrder() = default;
  // tokens[i] is the row of the network that lies at i.
  explicit RowOrder(std::vector<std::int32_t> tokens);

  bool is_natural() const { return rows_ == nullptr; }
  bool operator==(const RowOrder& other) const { return rows_ == other.rows_; }
  std::int32_t token(std::int32_t row) const {
    return is_natural() ? row : rows_->tokens[static_cast<std::size_t>(row)];
  }
  // Where a row of the network lies; -1 of -1.
  std::int32_t row(std::int32_t token) const {
    return is_natural() || token < 0 ? token : rows_->rows[static_cast<std::size_t>(token)];
  }
  // Of so many rows: the map of a gather that puts rows in natural order into this one, or back.
  std::vector<std::int32_t> from_natural(int count) const;
  std::vector<std::int32_t> to_natural(int count) const;

 private:
  struct Rows {
    std::vector<std::int32_t> tokens, rows;
  };
  std::shared_ptr<const Rows> rows_;
};

// Of every tensor. They change where a stream begins behind the patch embedding's norm, and where tokens are merged:
// to the windows of the first attention behind, if these are not moved and have no padding.
std::vector<RowOrder> row_orders(const FloatNetwork& network);

}  // namespace intvit
