// Every instruction set's resize against the scalar law: to the bit, for all small widths and channel counts, with
// sources and destinations that end exactly where memory ends.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "kernels/dispatch/kernel_table.h"
#include "kernels/resize/resize.h"

namespace intvit {
namespace {

using kernels::ResizeKernels;

// Bytes between two pages that must not be touched: flush with the second (at_end) or with the first.
class GuardedBytes {
 public:
  GuardedBytes(std::size_t size, bool at_end) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (size + page - 1) / page * page + page;
    mapped_ = inner + 2 * page;
    base_ = static_cast<std::uint8_t*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(base_ != MAP_FAILED);
    REQUIRE(mprotect(base_ + page, inner, PROT_READ | PROT_WRITE) == 0);
    data_ = at_end ? base_ + page + inner - size : base_ + page;
    std::memset(base_ + page, kFill, inner);
    begin_ = base_ + page;
    end_ = begin_ + inner;
    size_ = size;
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::uint8_t* data() const { return data_; }
  bool surroundings_untouched() const {
    const auto is_fill = [](std::uint8_t byte) { return byte == kFill; };
    return std::all_of(begin_, data_, is_fill) && std::all_of(data_ + size_, end_, is_fill);
  }

 private:
  static constexpr std::uint8_t kFill = 0xa5;
  std::uint8_t* base_;
  std::uint8_t* begin_;
  std::uint8_t* end_;
  std::uint8_t* data_;
  std::size_t mapped_;
  std::size_t size_;
};

int padded(int taps) {
  return (taps + kernels::kResizeTapBlock - 1) / kernels::kResizeTapBlock * kernels::kResizeTapBlock;
}

// Weights as extreme as the contract allows, within the range of the sum: both signs, and sums that clamp on both
// sides.
void fill_weights(std::mt19937& random, int taps, std::int32_t* weights) {
  if (taps == 1) {
    const std::int32_t single[] = {1 << 22, kernels::kResizeMaxWeight, -kernels::kResizeMaxWeight, 0, -1};
    weights[0] = single[random() % 5];
    return;
  }
  const std::int32_t limit = kernels::kResizeMaxWeight / taps;  // from -limit / 2 to limit: |sum| * 255 < 2^31
  for (int t = 0; t < taps; ++t) {
    weights[t] = static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(limit + limit / 2)) - limit / 2;
  }
}

void check_row(const ResizeKernels& tested, const ResizeKernels& law, int channels, int src_width, int dst_width,
               int max_taps, bool at_end, std::mt19937& random) {
  std::vector<std::int32_t> first(dst_width);
  std::vector<std::int32_t> end(dst_width);
  std::vector<std::int32_t> taps(dst_width);
  for (int x = 0; x < dst_width; ++x) {
    taps[x] = 1 + static_cast<int>(random() % std::min(max_taps, src_width));
    first[x] = static_cast<std::int32_t>(random() % (src_width - taps[x] + 1));
    end[x] = first[x] + taps[x];
  }
  std::sort(first.begin(), first.end());  // sorting both keeps end > first, but windows may widen: recompute the taps
  std::sort(end.begin(), end.end());
  const bool touch_the_end = random() % 2 == 0;
  if (touch_the_end) end.back() = src_width;
  int stride = 0;
  for (int x = 0; x < dst_width; ++x) {
    taps[x] = end[x] - first[x];
    stride = std::max(stride, padded(taps[x]));
  }
  // Nothing beyond the last sample that a tap names may be read.
  const int used = end.back() * channels;
  GuardedBytes weights(sizeof(std::int32_t) * dst_width * stride, false);
  auto* weight = reinterpret_cast<std::int32_t*>(weights.data());
  for (int x = 0; x < dst_width; ++x) {
    std::fill(weight + x * stride, weight + (x + 1) * stride, 0);
    fill_weights(random, taps[x], weight + x * stride);
  }
  GuardedBytes src(used, at_end);
  for (int i = 0; i < used; ++i) src.data()[i] = static_cast<std::uint8_t>(random() % 4 == 0 ? 255 : random());
  GuardedBytes dst(dst_width * channels, at_end);
  std::vector<std::uint8_t> expected(dst_width * channels);
  const kernels::ResizeAxis axis{first.data(), taps.data(), weight, stride};
  law.row({src.data(), expected.data(), dst_width, channels, axis, nullptr});
  const std::size_t plan_bytes = tested.plan_row != nullptr ? tested.row_plan_bytes(axis, dst_width) : 0;
  CHECK(plan_bytes % kernels::kResizePlanAlignment == 0);
  GuardedBytes plan(plan_bytes, true);
  if (plan_bytes > 0) tested.plan_row(axis, dst_width, channels, plan.data());
  tested.row({src.data(), dst.data(), dst_width, channels, axis, plan.data()});
  CHECK(plan.surroundings_untouched());
  CHECK(std::equal(expected.begin(), expected.end(), dst.data()));
  CHECK(dst.surroundings_untouched());
}

void check_column(const ResizeKernels& tested, const ResizeKernels& law, int samples, int taps, bool at_end,
                  std::mt19937& random) {
  std::vector<std::int32_t> weights(padded(taps), 0);
  fill_weights(random, taps, weights.data());
  // Rows lie backwards and overlap by nothing, each flush with the next: only the outermost touch the guards.
  GuardedBytes src(static_cast<std::size_t>(samples) * taps, at_end);
  std::vector<const std::uint8_t*> rows(taps);
  for (int t = 0; t < taps; ++t) rows[t] = src.data() + static_cast<std::ptrdiff_t>(taps - 1 - t) * samples;
  for (int i = 0; i < samples * taps; ++i) {
    src.data()[i] = static_cast<std::uint8_t>(random() % 4 == 0 ? 255 : random());
  }
  GuardedBytes dst(samples, at_end);
  std::vector<std::uint8_t> expected(samples);
  law.column({rows.data(), taps, weights.data(), expected.data(), samples});
  tested.column({rows.data(), taps, weights.data(), dst.data(), samples});
  CHECK(std::equal(expected.begin(), expected.end(), dst.data()));
  CHECK(dst.surroundings_untouched());
}

TEST_CASE("the scalar resize rounds halves up and clamps") {
  const ResizeKernels& law = *kernels::kernel_table(Isa::scalar).resize;
  const std::int32_t first[] = {0, 0, 1, 0};
  const std::int32_t taps[] = {1, 2, 1, 2};
  const std::int32_t weights[] = {1 << 22,    0, 0, 0, 1 << 21, 1 << 21, 0, 0,
                                  -(1 << 22), 0, 0, 0, 1 << 22, 1 << 22, 0, 0};
  const std::uint8_t src[] = {200, 101};
  std::uint8_t dst[4];
  law.row({src, dst, 4, 1, {first, taps, weights, 4}, nullptr});
  CHECK(dst[0] == 200);
  CHECK(dst[1] == 151);  // 150.5
  CHECK(dst[2] == 0);
  CHECK(dst[3] == 255);
}

TEST_CASE("resize: every instruction set equals the scalar law") {
  const ResizeKernels& law = *kernels::kernel_table(Isa::scalar).resize;
  for (const Isa isa : available_isas()) {
    const std::string name(isa_name(isa));
    CAPTURE(name);
    const ResizeKernels& tested = *kernels::kernel_table(isa).resize;
    std::mt19937 random(7);
    for (int channels = 1; channels <= 4; ++channels) {
      for (int dst_width = 1; dst_width <= 40; ++dst_width) {
        for (const int src_width : {1, 2, 3, 4, 5, 7, 17, 61, 251}) {
          for (const bool at_end : {true, false}) {
            CAPTURE(channels);
            CAPTURE(dst_width);
            CAPTURE(src_width);
            check_row(tested, law, channels, src_width, dst_width, 1 + static_cast<int>(random() % 30), at_end, random);
          }
        }
      }
    }
    for (int samples = 1; samples <= 300; ++samples) {
      for (const int taps : {1, 2, 3, 4, 5, 8, 11, 52}) {
        CAPTURE(samples);
        CAPTURE(taps);
        check_column(tested, law, samples, taps, samples % 2 == 0, random);
      }
    }
    check_row(tested, law, 3, 65535, 3, 65535, true, random);  // as many taps as a picture can have
    check_column(tested, law, 31, 65535, true, random);
  }
}

}  // namespace
}  // namespace intvit
