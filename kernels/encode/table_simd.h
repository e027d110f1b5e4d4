// encode.h's tables: of few levels by a search in registers (CodeSearch, an ISA's own), of more by a memory look-up.
#pragma once

#include "kernels/encode/encode_law.h"
#include "kernels/encode/for_each_vector.h"
#include "kernels/encode/grid_simd.h"
#include "kernels/simd/look_up.h"

namespace intvit::kernels {
namespace {

// A table of exactly 2^kBits levels with the same values. Padding thresholds count for x = 32767 alone, and that x is
// beyond all others too: the last value is right.
template <int kBits>
struct PaddedTable {
  static constexpr int kLevels = 1 << kBits;
  std::int16_t thresholds[kLevels];  // one more than needed
  std::int16_t values[kLevels];

  explicit PaddedTable(const CodeTable& table) {
    const int last = table.levels - 1;
    for (int i = 0; i < kLevels; ++i) {
      thresholds[i] = i < last ? table.thresholds[i] : std::int16_t{32767};
      values[i] = table.values[i < last ? i : last];
    }
  }
};

// Values of a table, those of outliers replaced by the grid's.
template <typename Simd, bool kOutliers>
struct OutliersOnGrid : GridVectors<Simd> {
  using GridVectors<Simd>::GridVectors;
  using I16 = typename Simd::I16;

  I16 operator()(I16 x, I16 value) const { return select(this->outliers(x), this->clamped(this->steps(x)), value); }
};

// A table without them: what EncodeArgs says of the grid is not defined there.
template <typename Simd>
struct OutliersOnGrid<Simd, false> {
  explicit OutliersOnGrid(const EncodeArgs&) {}
};

template <typename Simd, typename Search, bool kOutliers>
void encode_by_search(const EncodeArgs& args) {
  const Search search(args.table);
  [[maybe_unused]] const OutliersOnGrid<Simd, kOutliers> outliers(args);
  const std::ptrdiff_t plane_stride = args.plane_stride;
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    std::uint8_t* dst = args.dst + r * args.dst_stride;
    for_each_vector<Simd>(args.columns, [&](int c) {
      const auto x = Simd::load16(src + c);
      if constexpr (kOutliers) {
        store_values<Simd>(dst + c, plane_stride, outliers(x, search.values(x, plane_stride != 0)));
      } else {
        search.encode(x, dst + c, plane_stride);
      }
    });
  }
}

// The values of all x from thresholds[0] - 1 to the last threshold; what is outside has the value of the nearest end.
struct Window {
  std::int32_t first;  // the x of entry 0
  std::int32_t last;

  explicit Window(const CodeTable& table) : first(table.thresholds[0] - 1), last(table.thresholds[table.levels - 2]) {}

  std::int32_t entries() const { return last - first + 1; }

  void fill(const CodeTable& table, std::int16_t* entry) const {
    std::int32_t filled = 0;
    for (int level = 0; level < table.levels; ++level) {
      const std::int32_t end = (level < table.levels - 1 ? table.thresholds[level] : last + 1) - first;
      for (const std::int16_t value = table.values[level]; filled < end; ++filled) entry[filled] = value;
    }
  }
};

// An entry costs a small part of a search: vectors of them are stored at once.
inline constexpr std::int64_t kEntriesPerSearch = 8;

template <typename Simd, bool kOutliers>
void encode_by_window(const EncodeArgs& args) {
  const Window window(args.table);
  [[maybe_unused]] const OutliersOnGrid<Simd, kOutliers> outliers(args);
  if (window.entries() > kEncodeWindowEntries || window.entries() > kEntriesPerSearch * args.rows * args.columns) {
    return encode_by_law(args);
  }
  auto* const entries = static_cast<std::int16_t*>(args.scratch);
  window.fill(args.table, entries);
  const auto lowest = Simd::set16(window.first < INT16_MIN ? INT16_MIN : window.first);
  const auto highest = Simd::set16(window.last);
  const auto origin = Simd::set16(window.first);
  constexpr int kBlock = 512;
  std::int16_t numbers[kBlock];
  for (int r = 0; r < args.rows; ++r) {
    for (int c = 0; c < args.columns; c += kBlock) {
      const int first = c + Simd::kLanes16 <= args.columns ? c : args.columns - Simd::kLanes16;
      const int count = args.columns - first < kBlock ? args.columns - first : kBlock;
      const std::int16_t* src = args.src + r * args.src_stride + first;
      std::uint8_t* dst = args.dst + r * args.dst_stride + first;
      for_each_vector<Simd>(count, [&](int i) {
        const auto x = max(min(Simd::load16(src + i), highest), lowest);
        Simd::store(numbers + i, x - origin);
      });
      look_up_in_memory(entries, numbers, count);
      for_each_vector<Simd>(count, [&](int i) {
        auto values = Simd::load16(numbers + i);
        if constexpr (kOutliers) values = outliers(Simd::load16(src + i), values);
        store_values<Simd>(dst + i, args.plane_stride, values);
      });
    }
  }
}

// The smallest search that holds the table.
template <typename Simd, template <int> class CodeSearch, bool kOutliers, int kBits, int kMostBits>
void encode_table(const EncodeArgs& args) {
  if constexpr (kBits > kMostBits) {
    encode_by_window<Simd, kOutliers>(args);
  } else if (args.table.levels <= 1 << kBits) {
    encode_by_search<Simd, CodeSearch<kBits>, kOutliers>(args);
  } else {
    encode_table<Simd, CodeSearch, kOutliers, kBits + 1, kMostBits>(args);
  }
}

}  // namespace
}  // namespace intvit::kernels
