#include "converter/errors/attention_rows.h"

#include <algorithm>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"

namespace intvit {

AttentionRows attention_rows(const TensorSamples& probabilities, const TensorSamples& values, int heads,
                             const std::vector<SoftmaxScheme>& alternatives, int most, int threads) {
  const auto rows = static_cast<std::size_t>(probabilities.rows), keys = static_cast<std::size_t>(probabilities.cols);
  const auto width = static_cast<std::size_t>(values.cols / heads), count = alternatives.size();
  const std::size_t per_head = rows / static_cast<std::size_t>(heads), total = rows * probabilities.pictures.size();
  // Odd, so that it does not always meet the same tokens.
  const std::size_t stride = std::max<std::size_t>(1, total / static_cast<std::size_t>(most)) | 1;
  const std::size_t sampled = (total + stride - 1) / stride;
  AttentionRows result{std::vector<double>(sampled), std::vector<int>(sampled),
                       std::vector<double>(sampled * count, 0)};
  constexpr std::size_t kRowsPerTask = 64;
  const OneThreadPerTask pinned;
  parallel_for(threads, static_cast<int>((sampled + kRowsPerTask - 1) / kRowsPerTask), [&](int task) {
    std::vector<float> difference(count * keys), output(count * width);
    const std::size_t first = static_cast<std::size_t>(task) * kRowsPerTask;
    for (std::size_t n = first; n < std::min(sampled, first + kRowsPerTask); ++n) {
      const std::size_t picture = n * stride / rows, row = n * stride % rows, head = row / per_head;
      const float* exact = probabilities.pictures[picture].data() + row * keys;
      result.maxima[n] = *std::max_element(exact, exact + keys);
      result.heads[n] = static_cast<int>(head);
      for (std::size_t i = 0; i < count; ++i) {
        float* held = difference.data() + i * keys;
        std::copy_n(exact, keys, held);
        simulate(alternatives[i], static_cast<int>(head), held, 1, static_cast<int>(keys));
        for (std::size_t k = 0; k < keys; ++k) held[k] -= exact[k];
      }
      multiply({difference.data(), static_cast<int>(keys)},
               {values.pictures[picture].data() + head * width, values.cols}, false, 1.0f, false,
               static_cast<int>(count), static_cast<int>(width), static_cast<int>(keys), output.data(),
               static_cast<int>(width));
      for (std::size_t k = 0; k < output.size(); ++k) {
        result.errors[n * count + k / width] += static_cast<double>(output[k]) * output[k];
      }
    }
  });
  return result;
}

MaximumRange row_maximum_range(const TensorSamples& probabilities) {
  MaximumRange range{1, 0};
  const auto keys = static_cast<std::ptrdiff_t>(probabilities.cols);
  for (const std::vector<float>& picture : probabilities.pictures) {
    for (auto row = picture.begin(); row != picture.end(); row += keys) {
      const double largest = *std::max_element(row, row + keys);
      range = {std::min(range.least, largest), std::max(range.largest, largest)};
    }
  }
  return range;
}

}  // namespace intvit
