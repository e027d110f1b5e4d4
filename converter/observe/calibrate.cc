#include "converter/observe/calibrate.h"

#include <algorithm>

#include "converter/float/finite.h"
#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"
#include "engine/format/checksum.h"

namespace intvit {
namespace {

using Pixels = std::vector<std::uint8_t>;

class Calibrator {
 public:
  Calibrator(const FloatNetwork& network, PictureSource& pictures, const Progress& progress)
      : network_(network), pictures_(pictures), progress_(progress), result_{CalibrationStatistics(network), {}, 0} {
    for (std::size_t o = 0; o < network.outputs.size(); ++o) {
      result_.outputs.emplace_back(static_cast<std::size_t>(pictures.count()) * output_size(network, o));
    }
  }

  // Bins depend on the first picture of a histogram. So one picture comes first, and all others begin with its bins.
  Result<Calibration> run(int threads) {
    const int count = pictures_.count(), first = std::min(count, 1);
    progress_("calibrating", 0, count);
    std::vector<CalibrationStatistics> parts(1, result_.statistics);
    if (Status status = observe(0, first, threads, parts); !status.ok()) return status;
    result_.statistics = std::move(parts[0]);
    parts.assign(static_cast<std::size_t>(workers_for(count - first, threads)), result_.statistics.emptied());
    if (Status status = observe(first, count, threads, parts); !status.ok()) return status;
    for (const CalibrationStatistics& part : parts) result_.statistics.merge(part);
    return std::move(result_);
  }

 private:
  // Shows the pictures begin ... end - 1 to the workers' statistics.
  Status observe(int begin, int end, int threads, std::vector<CalibrationStatistics>& parts) {
    const Preprocessing& input = network_.preprocessing;
    const std::size_t bytes = static_cast<std::size_t>(input.height) * static_cast<std::size_t>(input.width) * 3;
    const auto make_worker = [&](int worker, int shared_by) {
      return [&, worker, forward = FloatForward(network_, shared_by)](int i) mutable -> Result<Pixels> {
        const auto picture = static_cast<std::size_t>(begin + i);
        Pixels pixels(bytes);
        if (Status status = pictures_.read(begin + i, pixels.data()); !status.ok()) return status;
        CalibrationStatistics& part = parts[static_cast<std::size_t>(worker)];
        forward.run(pixels.data(), &part);
        if (part.not_finite()) return not_finite(network_, *part.not_finite());
        for (std::size_t o = 0; o < result_.outputs.size(); ++o) {
          const std::span<const float> values = forward.output(o);
          std::ranges::copy(values, result_.outputs[o].begin() + static_cast<std::ptrdiff_t>(picture * values.size()));
        }
        return pixels;
      };
    };
    return for_each_in_order(end - begin, threads, make_worker, [&](int i, const Result<Pixels>& pixels) -> Status {
      if (!pixels.ok()) return pixels.status();
      result_.checksum = checksum64(pixels.value(), result_.checksum);
      progress_("calibrating", begin + i + 1, pictures_.count());
      return {};
    });
  }

  const FloatNetwork& network_;
  PictureSource& pictures_;
  const Progress& progress_;
  Calibration result_;
};

}  // namespace

Result<Calibration> calibrate(const FloatNetwork& network, const PictureRun& run) {
  return Calibrator(network, run.pictures, run.progress).run(run.threads);
}

}  // namespace intvit
