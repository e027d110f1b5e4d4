#include "kernels/encode/aside_law.h"
#include "kernels/encode/encode_law.h"

namespace intvit::kernels {
namespace {

void run(const EncodeArgs& args) noexcept { encode_by_law(args); }
void column_ranges(const RangeArgs& args) noexcept { column_ranges_by_law(args); }
void nearest_groups(const GroupArgs& args) noexcept { nearest_groups_by_law(args); }
void set_aside(const AsideArgs& args) noexcept { set_aside_by_law(args); }

}  // namespace

extern const EncodeKernels encode_kernels_scalar;
const EncodeKernels encode_kernels_scalar = {run, column_ranges, nearest_groups, set_aside};

}  // namespace intvit::kernels
