#include "bench/kernels/encode_case.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/encode.h"
#include "kernels/encode/encode_law.h"

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr int kLargest = 2000;  // |x| of all but outliers
constexpr int kOutlier = 8000;
constexpr int kGroups = 8;
constexpr int kMembers = 4;  // arrays of AffineCodes

}  // namespace

EncodeCase::EncodeCase(int rows, int columns, const EncodeFormat& format, std::uint8_t* dst)
    : encoding_(format.encoding) {
  test::Random random(2);
  const auto row_count = static_cast<std::size_t>(rows), column_count = static_cast<std::size_t>(columns);
  const auto levels = static_cast<std::size_t>(format.levels);
  src_ = Buffer<std::int16_t>(row_count * column_count, -kLargest, kLargest, random);
  for (std::size_t i = 0; i < src_.size(); i += format.lists ? 101 : 997) src_[i] = kOutlier;
  scratch_ = Buffer<std::uint8_t>(encode_scratch_bytes(columns));
  const bool two_planes = format.planes == 2;
  args_.src = src_.data();
  args_.src_stride = columns;
  args_.dst = dst;
  args_.dst_stride = std::ptrdiff_t{format.planes} * columns;
  args_.plane_stride = two_planes ? columns : 0;
  args_.rows = rows;
  args_.columns = columns;
  args_.max_code = 15;
  args_.fine_bits = two_planes ? 2 : 5;
  args_.step_shift = 11;
  args_.outlier = encoding_ == Encoding::channel_groups ? 32767 : kLargest;
  args_.grid_max = two_planes ? 4095 : 255;
  args_.grid_zero = static_cast<std::int16_t>((args_.grid_max + 1) / 2);
  args_.scratch = scratch_.data();
  switch (encoding_) {
    case Encoding::table: {
      args_.kind = EncodeKind::table;
      // Denser in the middle, as the tables of the methods are.
      thresholds_ = Buffer<std::int16_t>(levels - 1);
      values_ = Buffer<std::int16_t>(levels);
      const auto at = [&](double k) { return std::pow(2 * k / static_cast<double>(levels - 1) - 1, 3); };
      for (std::size_t k = 0; k < levels; ++k) {
        const auto number = static_cast<double>(k);
        values_[k] = static_cast<std::int16_t>((at(number) + 1) / 2 * args_.grid_max);
        if (k + 1 < levels) thresholds_[k] = static_cast<std::int16_t>(at(number + 0.5) * kLargest);
      }
      args_.table = {thresholds_.data(), values_.data(), format.levels};
      break;
    }
    case Encoding::tokens:
    case Encoding::channel_groups: {
      const std::size_t count = encoding_ == Encoding::tokens ? row_count : kGroups;
      args_.kind = encoding_ == Encoding::tokens ? EncodeKind::rows : EncodeKind::columns;
      codes_ = Buffer<std::int16_t>((kMembers + 2) * count);  // the last two: a group's extremes
      for (std::size_t i = 0; i < count; ++i) {
        const int reach = static_cast<int>(random.integer(kLargest / 2, kLargest));
        const AffineCode code = affine_code_for_range(-reach, reach, args_.max_code, args_.step_shift, args_.fine_bits);
        const std::int16_t members[] = {code.multiplier,
                                        code.power,
                                        code.zero,
                                        code.step,
                                        static_cast<std::int16_t>(-reach),
                                        static_cast<std::int16_t>(reach)};
        for (std::size_t m = 0; m < std::size(members); ++m) codes_[m * count + i] = members[m];
      }
      const std::int16_t* members = codes_.data();
      args_.codes = {members, members + count, members + 2 * count, members + 3 * count};
      notes_ = Buffer<std::int16_t>((kMembers + 3) * kChannelBlock);
      break;
    }
    case Encoding::dynamic_tokens:
      args_.kind = EncodeKind::dynamic_rows;
      break;
    case Encoding::uniform:
      args_.kind = EncodeKind::uniform;
      break;
  }
  if (format.lists) make_lists();
}

void EncodeCase::make_lists() {
  const int most = std::min(kMostAside, args_.columns / 25);
  lists_ = Buffer<std::int16_t>(static_cast<std::size_t>(args_.rows * aside_words(most)));
  aside_ = {args_.src,     args_.src_stride, args_.rows,     args_.columns, args_.fine_bits,
            args_.outlier, args_.grid_zero,  args_.grid_max, lists_.data(), aside_words(most),
            most};
}

void EncodeCase::run(const EncodeKernels& kernels) {
  if (encoding_ == Encoding::channel_groups) return run_channel_groups(kernels);
  kernels.run(args_);
  if (aside_.most > 0) kernels.set_aside(aside_);
}

// Block by block: the extremes of its channels, their groups, their codes. Widths are multiples of a block.
void EncodeCase::run_channel_groups(const EncodeKernels& kernels) {
  std::int16_t *lowest = notes_.data(), *highest = lowest + kChannelBlock, *nearest = highest + kChannelBlock,
               *codes = nearest + kChannelBlock;
  const std::int16_t *groups = codes_.data(), *group_lowest = groups + kMembers * kGroups,
                     *group_highest = group_lowest + kGroups;
  EncodeArgs args = args_;
  args.columns = kChannelBlock;
  args.codes = {codes, codes + kChannelBlock, codes + 2 * kChannelBlock, codes + 3 * kChannelBlock};
  for (int first = 0; first < args_.columns; first += kChannelBlock) {
    args.src = args_.src + first;
    args.dst = args_.dst + first;
    kernels.column_ranges({args.src, args.src_stride, args.rows, kChannelBlock, lowest, highest});
    kernels.nearest_groups({lowest, highest, kChannelBlock, group_lowest, group_highest, kGroups, nearest});
    for (int m = 0; m < kMembers; ++m) {
      for (int c = 0; c < kChannelBlock; ++c) codes[m * kChannelBlock + c] = groups[m * kGroups + nearest[c]];
    }
    kernels.run(args);
  }
}

}  // namespace intvit::bench
