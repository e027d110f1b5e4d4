#include "converter/families/class_texts.h"

#include <cmath>
#include <span>
#include <utility>

#include "converter/read/config_kinds.h"
#include "converter/read/message.h"
#include "converter/read/npy_file.h"

namespace intvit {
namespace {

double length_of(std::span<const float> row) {
  double square = 0;
  for (const float value : row) square += static_cast<double>(value) * value;
  return std::sqrt(square);
}

}  // namespace

Result<ClassTexts> read_class_texts(const std::string& path) {
  const auto corrupt = [&](const std::string& what) {
    return Status(Code::corrupt_file, "the class embeddings " + in_quotes(path) + what);
  };
  Result<NpyArray> array = read_npy(path);
  if (!array.ok()) return array.status();
  NpyArray& table = array.value();
  if (table.rows < 1 || table.rows > kMostClasses || table.cols < 1 || table.cols > kLargestWidth) {
    return corrupt(" are [" + std::to_string(table.rows) + ", " + std::to_string(table.cols) + "]; 1 to " +
                   std::to_string(kMostClasses) + " classes of 1 to " + std::to_string(kLargestWidth) +
                   " values are needed");
  }
  const std::size_t columns = static_cast<std::size_t>(table.cols);
  for (int row = 0; row < table.rows; ++row) {
    const std::span<float> values = std::span(table.data).subspan(static_cast<std::size_t>(row) * columns, columns);
    const double length = length_of(values);
    if (!std::isfinite(length)) {
      return corrupt(": row " + std::to_string(row) + " has a NaN or an infinity; compute that text again");
    }
    if (length == 0) {
      return corrupt(": row " + std::to_string(row) + " is zero, which is no direction; compute that text again");
    }
    for (float& value : values) value = static_cast<float>(value / length);
  }
  return ClassTexts{table.rows, table.cols, std::move(table.data), {}, {}};
}

}  // namespace intvit
