#include "bench/kernels/suite.h"

#include <benchmark/benchmark.h>

#include <algorithm>

namespace intvit::bench {
namespace {

void run(benchmark::State& state, std::int64_t items, const MakeBody& make) {
  Result<Body> made = make();
  if (!made.ok()) return state.SkipWithError(made.status().message().c_str());
  const Body body = made.take();
  body();  // the first call meets pages that nobody has touched
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * items);
}

}  // namespace

std::string cell_name(const Table& table, const std::string& row, const std::string& column) {
  return table.name + "/" + row + "/" + column;
}

void Suite::add(const std::string& row, const std::string& column, std::int64_t items, MakeBody make) {
  Table& table = tables_.back();
  if (std::find(table.rows.begin(), table.rows.end(), row) == table.rows.end()) table.rows.push_back(row);
  benchmark::RegisterBenchmark(cell_name(table, row, column).c_str(),
                               [items, make = std::move(make)](benchmark::State& state) { run(state, items, make); });
}

}  // namespace intvit::bench
