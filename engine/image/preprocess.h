// A picture becomes the network's input: resize, centre crop, 8-bit RGB in rows (HWC), equal to what Pillow and
// torchvision make of it, to the bit. Mean and standard deviation are not applied: they are part of the weights.
//
// Only what the crop keeps is computed. The horizontally resized rows live in a ring that is as high as the vertical
// filter, so that memory does not grow with the picture. A second picture of the same size allocates nothing.
//
// Not for: rotation by EXIF (Pillow and torchvision do not either), several threads at once (one object per thread).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/image/resample_weights.h"
#include "intvit/input_geometry.h"
#include "intvit/picture_rows.h"
#include "intvit/picture_view.h"
#include "intvit/status.h"
#include "kernels/resize/resize.h"

namespace intvit {

// Whether every value is within its limits; run() checks this too.
Status check_geometry(const InputGeometry& geometry);

class Preprocessor {
 public:
  // `kernels` must outlive this object.
  Preprocessor(const InputGeometry& geometry, const kernels::ResizeKernels* kernels)
      : geometry_(geometry), kernels_(kernels) {}

  // Writes geometry.height * geometry.width * 3 bytes. A format other than RGB takes a row more of memory.
  Status run(const PictureView& src, std::uint8_t* dst);
  // The same, of rows as they come. Those that the crop leaves out are asked for, too, but for the last ones.
  Status run(PictureRows& src, std::uint8_t* dst);

 private:
  // One axis of the way from the source to the destination.
  struct AxisPlan {
    ResampleAxis resample;  // which outputs of the resize the crop keeps
    int padding = 0;        // zeros before them, and after them what is left of the destination
    ResampleWeights weights;

    bool is_copy() const { return resample.src_length == resample.dst_length; }  // Pillow skips such a pass
  };

  Status plan(int src_width, int src_height);
  void resize_row(const std::uint8_t* src, std::uint8_t* dst) const;
  Status copy_rows(PictureRows& src, std::uint8_t* dst) const;
  Status resample_rows(PictureRows& src, std::uint8_t* dst);

  InputGeometry geometry_;
  const kernels::ResizeKernels* kernels_;

  // Valid for the source size planned_width_ x planned_height_.
  int planned_width_ = 0;
  int planned_height_ = 0;
  AxisPlan x_;
  AxisPlan y_;
  struct alignas(kernels::kResizePlanAlignment) PlanLine {
    std::uint8_t bytes[kernels::kResizePlanAlignment];
  };
  std::vector<PlanLine> row_plan_;             // plan_row()'s of x_
  std::vector<std::uint8_t> ring_;             // row r of the source, resized, at slot r % y_.weights.max_taps()
  std::vector<std::uint8_t> rgb_row_;          // of a picture of another format
  std::vector<const std::uint8_t*> tap_rows_;  // the rows of one output row
};

}  // namespace intvit
