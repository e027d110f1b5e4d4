// What a model gives: named tensors of integers, each with the unit that makes real values of them.
// Not for: inputs. A model takes one picture.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "intvit/rules.h"
#include "intvit/view.h"

namespace intvit {

// The numbers are those of files.
enum class DataType : std::uint32_t { u8 = 0, s8 = 1, s16 = 2, s32 = 3 };

constexpr std::uint32_t byte_size(DataType type) { return type == DataType::s32 ? 4 : type == DataType::s16 ? 2 : 1; }

// What the numbers mean. Further kinds may come: treat one that you do not know as numbers in rows.
enum class PortKind : std::uint32_t {
  picture = 0,
  logits = 1,     // one row, an entry per class
  embedding = 2,  // one row that stands for the picture
  tokens = 3,     // a row per token
  features = 4,   // a row per place of a grid
};

struct Port {
  // `logits`, `embedding`, `tokens`, `features`, `features.N` of an inner block. Letters, digits and `_-.`, so that it
  // can name a file.
  std::string name;
  PortKind kind = PortKind::logits;
  DataType type = DataType::s32;  // u8, s16 or s32
  int rows = 0;
  int columns = 0;
  // Where rows are the places of a map, row after row; else 0.
  int grid_height = 0;
  int grid_width = 0;
  // The real value of an integer is (integer - zero) * unit().
  std::int32_t zero = 0;
  std::uint32_t mantissa = 1;
  std::int32_t exponent = 0;

  double unit() const { return std::ldexp(static_cast<double>(mantissa), exponent); }
  std::size_t count() const { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }
};

// The integers of one output of one picture, in a session's memory (Session::output). A row, a column or a type that
// there is not ends the process.
struct OutputView {
  const void* data = nullptr;
  DataType type = DataType::s32;
  int rows = 0;
  int columns = 0;
  std::size_t stride = 0;  // elements from one row to the next

  // A row in its own type: std::uint8_t, std::int8_t, std::int16_t or std::int32_t, as `type` says.
  template <typename T>
  View<const T> row(int index) const {
    rules::require_index(index, rows, "OutputView::row(): row");
    if (!holds<T>()) rules::broken("OutputView::row<T>(): T must be the type that OutputView::type says");
    return {static_cast<const T*>(data) + static_cast<std::size_t>(index) * stride, static_cast<std::size_t>(columns)};
  }
  // An element of any type.
  std::int32_t at(int row_index, int column) const {
    rules::require_index(column, columns, "OutputView::at(): column");
    const auto c = static_cast<std::size_t>(column);
    switch (type) {
      case DataType::u8:
        return row<std::uint8_t>(row_index)[c];
      case DataType::s8:
        return row<std::int8_t>(row_index)[c];
      case DataType::s16:
        return row<std::int16_t>(row_index)[c];
      case DataType::s32:
        break;
    }
    return row<std::int32_t>(row_index)[c];
  }

 private:
  template <typename T>
  bool holds() const {
    return type == (std::is_same_v<T, std::uint8_t>   ? DataType::u8
                    : std::is_same_v<T, std::int8_t>  ? DataType::s8
                    : std::is_same_v<T, std::int16_t> ? DataType::s16
                                                      : DataType::s32) &&
           sizeof(T) == byte_size(type) && std::is_integral_v<T>;
  }
};

// Real values, row after row without gaps; `values` has port.count() places. `output` is of `port`.
inline void copy_real_values(const Port& port, const OutputView& output, float* values) {
  const double unit = port.unit();
  for (int r = 0; r < output.rows; ++r) {
    for (int c = 0; c < output.columns; ++c) {
      *values++ = static_cast<float>((static_cast<double>(output.at(r, c)) - port.zero) * unit);
    }
  }
}

}  // namespace intvit
