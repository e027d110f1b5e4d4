#include "engine/ops/attention_sets.h"

#include <algorithm>
#include <vector>

namespace intvit {
namespace {

using kernels::kAttentionSetNumbers;

std::string of_set(std::uint32_t set) { return " of set " + std::to_string(set); }

// What the numbers of one set are, and its entries in the list.
struct SetView {
  std::int32_t first, keys, queries, bias;
  const std::int32_t* rows;
};

class SetReader {
 public:
  SetReader(const std::int32_t* words, std::uint64_t count) : words_(words), count_(count) {}

  AttentionSetFacts run() {
    if (count_ == 0 || words_[0] < 1 || static_cast<std::uint64_t>(words_[0]) > (count_ - 1) / kAttentionSetNumbers) {
      facts_.complaint = "sets of attention: their number does not fit their size";
      return facts_;
    }
    facts_.sets = static_cast<std::uint32_t>(words_[0]);
    list_ = words_ + 1 + std::uint64_t{facts_.sets} * kAttentionSetNumbers;
    entries_ = count_ - 1 - std::uint64_t{facts_.sets} * kAttentionSetNumbers;
    if (entries_ > INT32_MAX) facts_.complaint = "sets of attention: too many entries";
    std::uint64_t taken = 0, biases = 0;
    for (std::uint32_t s = 0; s < facts_.sets && facts_.complaint.empty(); ++s) {
      const SetView set = view(s);
      if (set.keys < 1 || set.keys > kernels::kMaxTokens || set.queries < 1 || set.queries > set.keys ||
          static_cast<std::uint64_t>(set.first) != taken || static_cast<std::uint64_t>(set.keys) > entries_ - taken) {
        facts_.complaint = "numbers" + of_set(s) + " out of range";
        break;
      }
      taken += static_cast<std::uint64_t>(set.keys);
      read_rows(s, {set.first, set.keys, set.queries, set.bias, list_ + set.first});
      const std::uint64_t size =
          static_cast<std::uint64_t>(set.queries) * static_cast<std::uint64_t>(kernels::padded_columns(set.keys));
      biases = std::max(biases, static_cast<std::uint64_t>(set.bias) + size);
      if (set.bias < 0 || biases > INT32_MAX) facts_.complaint = "biases" + of_set(s) + " out of range";
    }
    if (facts_.complaint.empty() && taken != entries_) facts_.complaint = "sets of attention: entries of no set";
    facts_.biases = static_cast<std::uint32_t>(biases);
    if (facts_.complaint.empty()) check_queries();
    if (facts_.complaint.empty()) facts_.local_rows = local_rows();
    return facts_;
  }

 private:
  SetView view(std::uint32_t set) const {
    const std::int32_t* n = words_ + 1 + std::uint64_t{set} * kAttentionSetNumbers;
    return {n[kernels::kSetFirst], n[kernels::kSetKeys], n[kernels::kSetQueries], n[kernels::kSetBias], nullptr};
  }

  void read_rows(std::uint32_t index, const SetView& set) {
    facts_.most_keys = std::max(facts_.most_keys, static_cast<std::uint32_t>(set.keys));
    facts_.products += static_cast<std::uint64_t>(set.queries) * static_cast<std::uint64_t>(set.keys);
    for (std::int32_t i = 0; i < set.keys; ++i) {
      const std::int32_t row = set.rows[i];
      if (row < 0 && (row != -1 || i < set.queries)) {
        facts_.complaint = "row " + std::to_string(row) + of_set(index);
        return;
      }
      facts_.has_pads |= row < 0;
      if (row >= 0) facts_.rows = std::max(facts_.rows, static_cast<std::uint32_t>(row) + 1);
      if (i < set.queries) queries_.push_back(row);
    }
  }

  // Rows 0, 1, ... and each once: so every row of the result is written, and by one thread.
  void check_queries() {
    facts_.queries = static_cast<std::uint32_t>(queries_.size());
    std::vector<bool> asked(queries_.size());
    for (const std::int32_t row : queries_) {
      if (static_cast<std::size_t>(row) >= asked.size() || asked[static_cast<std::size_t>(row)]) {
        facts_.complaint = "queries of sets that are not every row once";
        return;
      }
      asked[static_cast<std::size_t>(row)] = true;
    }
  }

  // Every row is a query of one set, so it is enough that queries are in the right one.
  std::uint32_t local_rows() const {
    const std::uint32_t size = facts_.queries / facts_.sets;
    if (facts_.has_pads || size * facts_.sets != facts_.queries) return 0;
    for (std::uint32_t s = 0; s < facts_.sets; ++s) {
      const SetView set = view(s);
      if (static_cast<std::uint32_t>(set.keys) != size || set.queries != set.keys) return 0;
      for (std::uint32_t i = 0; i < size; ++i) {
        if (static_cast<std::uint32_t>(list_[set.first + static_cast<std::int32_t>(i)]) / size != s) return 0;
      }
    }
    return size;
  }

  const std::int32_t* words_;
  std::uint64_t count_;
  const std::int32_t* list_ = nullptr;
  std::uint64_t entries_ = 0;
  std::vector<std::int32_t> queries_;
  AttentionSetFacts facts_;
};

}  // namespace

AttentionSetFacts attention_set_facts(const Constant& sets) {
  return SetReader(sets.as<std::int32_t>(), sets.count()).run();
}

kernels::AttentionSets attention_sets(const Constant& sets) {
  const auto* words = sets.as<std::int32_t>();
  kernels::AttentionSets result{};
  result.numbers = words + 1;
  result.rows = words + 1 + std::ptrdiff_t{words[0]} * kAttentionSetNumbers;
  result.end = words[0];
  return result;
}

}  // namespace intvit
