// The law for AsideArgs (kernels/aside/aside.h).
#pragma once

#include "kernels/encode/encode_law.h"

namespace intvit::kernels {
namespace {

[[maybe_unused]] inline std::int16_t excess_of(std::int16_t x, const AsideArgs& args) noexcept {
  if (!is_outlier(x, args.outlier)) return 0;
  const std::int32_t value = saturate_s16(multiply_q15(x, unit_of_grid(args.fine_bits)) + args.grid_zero);
  return static_cast<std::int16_t>(value - clamp(value, 0, args.grid_max));
}

// A list that is being written.
class AsideList {
 public:
  AsideList(std::int16_t* words, int most)
      : words_(words), columns_(words + 1), excesses_(columns_ + most), most_(most) {}

  // Columns ascend.
  void add(int column, std::int16_t excess) noexcept {
    const int place = count_ < most_ ? count_ : free_place(excess);
    ++count_;
    if (place == most_) return;
    columns_[place] = static_cast<std::int16_t>(column);
    excesses_[place] = excess;
  }

  void end() noexcept { words_[0] = static_cast<std::int16_t>(count_ < 65535 ? count_ : 65535); }

 private:
  static int size_of(std::int16_t excess) { return excess < 0 ? -excess : excess; }

  // The last place of a full list, if `excess` is larger than the least one there, which leaves the list; else none,
  // which is `most_`. Of equal ones the last leaves.
  int free_place(std::int16_t excess) noexcept {
    if (least_ == most_) {
      least_ = 0;
      for (int i = 1; i < most_; ++i) {
        if (size_of(excesses_[i]) <= size_of(excesses_[least_])) least_ = i;
      }
    }
    if (size_of(excess) <= size_of(excesses_[least_])) return most_;
    for (int i = least_; i + 1 < most_; ++i) {
      columns_[i] = columns_[i + 1];
      excesses_[i] = excesses_[i + 1];
    }
    least_ = most_;
    return most_ - 1;
  }

  std::int16_t* words_;
  std::int16_t* columns_;
  std::int16_t* excesses_;
  int most_;
  int count_ = 0;
  int least_ = most_;  // of a full list, the place of the least excess; most_: nobody has looked
};

[[maybe_unused]] inline void set_aside_by_law(const AsideArgs& args) noexcept {
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    AsideList list(args.lists + r * args.lists_stride, args.most);
    for (int c = 0; c < args.columns; ++c) {
      if (const std::int16_t excess = excess_of(src[c], args); excess != 0) list.add(c, excess);
    }
    list.end();
  }
}

}  // namespace
}  // namespace intvit::kernels
