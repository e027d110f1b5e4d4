#include "engine/image/preprocess.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <string>

namespace intvit {
namespace {

constexpr int kChannels = 3;

std::string size_text(std::int64_t width, std::int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

Status check_size(int width, int height) {
  if (width >= 1 && height >= 1 && width <= kMaxPictureEdge && height <= kMaxPictureEdge) return {};
  return {Code::invalid_argument, "a picture of " + size_text(width, height) + " pixels cannot be used; edges are 1.." +
                                      std::to_string(kMaxPictureEdge)};
}

// numerator / denominator as Python's round() does it: halves to even.
std::int64_t round_half_even(std::int64_t numerator, std::int64_t denominator) {
  const std::int64_t quotient = numerator / denominator;
  const std::int64_t twice_rest = 2 * (numerator % denominator);
  const bool up = twice_rest > denominator || (twice_rest == denominator && quotient % 2 != 0);
  return quotient + (up ? 1 : 0);
}

struct Size {
  std::int64_t width;
  std::int64_t height;
};

// The picture's size after the resize and before the crop.
Size resized_size(const InputGeometry& geometry, std::int64_t width, std::int64_t height) {
  const std::int64_t to_width = geometry.resize_width;
  const std::int64_t to_height = geometry.resize_height;
  if (geometry.crop_mode == CropMode::squash) return {to_width, to_height};
  // torchvision, Resize(int): the longer edge is rounded down.
  if (to_width == to_height) {
    return width <= height ? Size{to_width, to_width * height / width} : Size{to_height * width / height, to_height};
  }
  // timm, ResizeKeepRatio: the edge that needs the larger factor fits, the other one is rounded.
  return height * to_width <= width * to_height ? Size{round_half_even(width * to_height, height), to_height}
                                                : Size{to_width, round_half_even(height * to_width, width)};
}

// torchvision's center_crop of one axis: a picture that is too small is padded on both sides, more at the end.
struct Crop {
  std::int64_t begin;
  std::int64_t count;
  std::int64_t padding;
};

Crop center_crop(std::int64_t length, std::int64_t crop, CropMode mode) {
  if (crop > length) return {0, length, (crop - length) / 2};
  if (mode == CropMode::center_floor) return {(length - crop) / 2, crop, 0};
  return {round_half_even(length - crop, 2), crop, 0};
}

}  // namespace

Status check_geometry(const InputGeometry& geometry) {
  const auto is_edge = [](std::uint32_t length) { return length >= 1 && length <= kMaxPictureEdge; };
  if (!is_edge(geometry.width) || !is_edge(geometry.height)) {
    return {Code::invalid_argument, "an input of " + size_text(geometry.width, geometry.height) +
                                        " pixels is not possible; edges are 1.." + std::to_string(kMaxPictureEdge)};
  }
  if (!is_edge(geometry.resize_width) || !is_edge(geometry.resize_height)) {
    return {Code::invalid_argument, "a resize to " + size_text(geometry.resize_width, geometry.resize_height) +
                                        " pixels is not possible; edges are 1.." + std::to_string(kMaxPictureEdge)};
  }
  if (geometry.interpolation > Interpolation::lanczos) {
    return {Code::invalid_argument, "interpolation " +
                                        std::to_string(static_cast<std::uint32_t>(geometry.interpolation)) +
                                        " does not exist; allowed are 0 (nearest) to 3 (lanczos)"};
  }
  if (geometry.crop_mode > CropMode::center_floor) {
    return {Code::invalid_argument, "crop mode " + std::to_string(static_cast<std::uint32_t>(geometry.crop_mode)) +
                                        " does not exist; allowed are 0 (center) to 2 (center_floor)"};
  }
  return {};
}

Status Preprocessor::plan(int src_width, int src_height) {
  planned_width_ = planned_height_ = 0;  // until everything below has worked
  if (Status status = check_geometry(geometry_); !status.ok()) return status;
  if (Status status = check_size(src_width, src_height); !status.ok()) return status;
  const Size size = resized_size(geometry_, src_width, src_height);
  const auto plan_axis = [this](AxisPlan& axis, std::int64_t src, std::int64_t resized, std::int64_t crop_to) {
    const Crop crop = center_crop(resized, crop_to, geometry_.crop_mode);
    axis.resample = {src, resized, crop.begin, crop.count, geometry_.interpolation};
    axis.padding = static_cast<int>(crop.padding);
    return axis.is_copy() ? Status() : axis.weights.compute(axis.resample);
  };
  if (Status status = plan_axis(x_, src_width, size.width, geometry_.width); !status.ok()) return status;
  if (Status status = plan_axis(y_, src_height, size.height, geometry_.height); !status.ok()) return status;
  try {
    if (!x_.is_copy() && kernels_->plan_row != nullptr) {
      const auto columns = static_cast<int>(x_.resample.dst_count);
      const std::size_t bytes = kernels_->row_plan_bytes(x_.weights.view(), columns);
      row_plan_.resize((bytes + sizeof(PlanLine) - 1) / sizeof(PlanLine));
      kernels_->plan_row(x_.weights.view(), columns, kChannels, row_plan_.data());
    }
    if (!y_.is_copy()) {
      const auto taps = static_cast<std::size_t>(y_.weights.max_taps());
      tap_rows_.resize(taps);
      ring_.resize(taps * static_cast<std::size_t>(x_.resample.dst_count) * kChannels);
    }
  } catch (const std::bad_alloc&) {
    return no_memory(
        [&] { return "out of memory for the resize of a picture of " + size_text(src_width, src_height) + " pixels"; });
  }
  planned_width_ = src_width;
  planned_height_ = src_height;
  return {};
}

namespace {

// Columns of the samples of red, green and blue in a pixel.
struct SampleOrder {
  std::uint8_t red, green, blue;
};

SampleOrder samples_of(PixelFormat format) {
  if (format == PixelFormat::grey) return {0, 0, 0};
  const bool blue_first = format == PixelFormat::bgr || format == PixelFormat::bgra;
  return blue_first ? SampleOrder{2, 1, 0} : SampleOrder{0, 1, 2};
}

// The rows of a picture that is in memory. `rgb_row` has a place for one, unless they are RGB already.
class RowsOfView : public PictureRows {
 public:
  RowsOfView(const PictureView& view, std::uint8_t* rgb_row) : view_(view), rgb_row_(rgb_row) {}

  int width() const override { return view_.width; }
  int height() const override { return view_.height; }
  Result<const std::uint8_t*> next_row() override {
    const std::uint8_t* src = view_.pixels + view_.stride * row_++;
    if (view_.format == PixelFormat::rgb) return src;
    const SampleOrder order = samples_of(view_.format);
    const int step = bytes_per_pixel(view_.format);
    std::uint8_t* dst = rgb_row_;
    for (int x = 0; x < view_.width; ++x, src += step, dst += kChannels) {
      dst[0] = src[order.red];
      dst[1] = src[order.green];
      dst[2] = src[order.blue];
    }
    return rgb_row_;
  }
  Status finish() override { return {}; }

 private:
  PictureView view_;
  std::uint8_t* rgb_row_;
  std::ptrdiff_t row_ = 0;
};

// Whether all rows are where they can be.
Status check_view(const PictureView& view) {
  const int format = static_cast<int>(view.format);
  if (format < 0 || format >= kPixelFormatCount) {
    return {Code::invalid_argument,
            "pixel format " + std::to_string(format) + " does not exist; allowed are 0 (rgb) to 4 (grey)"};
  }
  if (view.pixels == nullptr) return {Code::invalid_argument, "a picture needs pixels, not a null pointer"};
  if (Status status = check_size(view.width, view.height); !status.ok() || view.height == 1) return status;
  const std::int64_t samples = bytes_per_pixel(view.format), least = samples * view.width;
  const std::int64_t most = std::numeric_limits<std::ptrdiff_t>::max() / view.height;
  if ((view.stride < least && view.stride > -least) || view.stride > most || view.stride < -most) {
    return {Code::invalid_argument, "rows of this picture must be at least " + std::to_string(samples) + " * width (" +
                                        std::to_string(least) + ") bytes apart and at most " + std::to_string(most) +
                                        ", not " + std::to_string(view.stride)};
  }
  return {};
}

}  // namespace

Status Preprocessor::run(const PictureView& src, std::uint8_t* dst) {
  if (Status status = check_view(src); !status.ok()) return status;
  try {
    if (src.format != PixelFormat::rgb) rgb_row_.resize(static_cast<std::size_t>(src.width) * kChannels);
  } catch (const std::bad_alloc&) {
    return no_memory(
        [&] { return "out of memory for a row of a picture of " + size_text(src.width, src.height) + " pixels"; });
  }
  RowsOfView rows(src, rgb_row_.data());
  return run(rows, dst);
}

Status Preprocessor::run(PictureRows& src, std::uint8_t* dst) {
  if (src.width() != planned_width_ || src.height() != planned_height_ || planned_width_ == 0) {
    if (Status status = plan(src.width(), src.height()); !status.ok()) return status;
  }
  if (x_.resample.dst_count != geometry_.width || y_.resample.dst_count != geometry_.height) {
    std::memset(dst, 0, static_cast<std::size_t>(geometry_.height) * geometry_.width * kChannels);
    dst += (static_cast<std::ptrdiff_t>(y_.padding) * geometry_.width + x_.padding) * kChannels;
  }
  if (Status status = y_.is_copy() ? copy_rows(src, dst) : resample_rows(src, dst); !status.ok()) return status;
  return src.finish();
}

// One source row, cropped and horizontally resized.
void Preprocessor::resize_row(const std::uint8_t* src, std::uint8_t* dst) const {
  const auto columns = static_cast<int>(x_.resample.dst_count);
  if (x_.is_copy()) {
    std::memcpy(dst, src + x_.resample.dst_begin * kChannels, static_cast<std::size_t>(columns) * kChannels);
  } else {
    kernels_->row({src, dst, columns, kChannels, x_.weights.view(), row_plan_.data()});
  }
}

Status Preprocessor::copy_rows(PictureRows& src, std::uint8_t* dst) const {
  const std::ptrdiff_t dst_stride = static_cast<std::ptrdiff_t>(geometry_.width) * kChannels;
  const std::int64_t end = y_.resample.dst_begin + y_.resample.dst_count;
  for (std::int64_t y = 0; y < end; ++y) {
    const Result<const std::uint8_t*> row = src.next_row();
    if (!row.ok()) return row.status();
    if (y >= y_.resample.dst_begin) resize_row(row.value(), dst + (y - y_.resample.dst_begin) * dst_stride);
  }
  return {};
}

Status Preprocessor::resample_rows(PictureRows& src, std::uint8_t* dst) {
  const std::ptrdiff_t dst_stride = static_cast<std::ptrdiff_t>(geometry_.width) * kChannels;
  const auto row_samples = static_cast<int>(x_.resample.dst_count * kChannels);
  const kernels::ResizeAxis axis = y_.weights.view();
  const int slots = y_.weights.max_taps();
  int rows_taken = 0;
  for (std::int64_t y = 0; y < y_.resample.dst_count; ++y) {
    const int begin = axis.first[y];
    const int taps = axis.taps[y];
    for (; rows_taken < begin + taps; ++rows_taken) {
      const Result<const std::uint8_t*> row = src.next_row();
      if (!row.ok()) return row.status();
      if (rows_taken >= begin) {
        resize_row(row.value(), ring_.data() + static_cast<std::ptrdiff_t>(rows_taken % slots) * row_samples);
      }
    }
    for (int t = 0; t < taps; ++t) {
      tap_rows_[t] = ring_.data() + static_cast<std::ptrdiff_t>((begin + t) % slots) * row_samples;
    }
    kernels_->column({tap_rows_.data(), taps, axis.weights + y * axis.taps_stride, dst + y * dst_stride, row_samples});
  }
  return {};
}

}  // namespace intvit
