// Benchmarks that belong into a table: a benchmark is a cell, named table/row/column, and the first column is what the
// others are compared with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit::bench {

enum class Unit { gmac_per_s, ns_per_element };

// What a table says: how fast every column is, or how many times the first column's time it takes, or both.
enum class Show { rates, ratios, both };

struct Table {
  std::string name;
  std::string title;
  Unit unit;
  Show show;
  std::vector<std::string> rows, columns;
};

using Body = std::function<void()>;              // what is timed
using MakeBody = std::function<Result<Body>()>;  // allocates and fills what the body works on

class Suite {
 public:
  // Columns are known beforehand, rows as they come.
  void add_table(Table table) { tables_.push_back(std::move(table)); }

  // A call of the body does `items` multiplications or elements.
  void add(const std::string& row, const std::string& column, std::int64_t items, MakeBody make);  // to the last table

  const std::vector<Table>& tables() const { return tables_; }

 private:
  std::vector<Table> tables_;
};

std::string cell_name(const Table& table, const std::string& row, const std::string& column);

}  // namespace intvit::bench
