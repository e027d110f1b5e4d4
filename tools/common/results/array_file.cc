#include "tools/common/results/array_file.h"

#include <utility>

#include "tools/common/results/output_file.h"

namespace intvit {

ArrayFile::ArrayFile(std::string path, std::string what, int columns)
    : path_(std::move(path)), what_(std::move(what)), matrix_(static_cast<std::size_t>(columns)) {}

Status ArrayFile::check() const { return check_output_file("the " + what_, path_); }

void ArrayFile::add(std::span<const float> row) {
  if (is_wanted()) matrix_.add_row(row);
}

Status ArrayFile::write() { return is_wanted() ? matrix_.write(path_) : Status(); }

}  // namespace intvit
