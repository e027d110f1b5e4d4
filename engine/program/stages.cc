#include "engine/program/stages.h"

namespace intvit {

namespace {

// A thread that has one unit more than others makes them wait for a part of the stage as large as one by this.
constexpr std::uint32_t kManyUnits = 8;

bool suits(std::uint32_t units, int threads) {
  const auto count = static_cast<std::uint32_t>(threads);
  return units % count == 0 || units / count >= kManyUnits;
}

// Rows of what several steps do, one after another, in units of one size.
std::vector<Stage> chains(const Program& program) {
  std::vector<Stage> stages;
  std::uint32_t rows = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Operation& op = *program.steps[i].op.operator->();
    const std::uint32_t own = op.row_local_rows(program), unit = own == 0 ? 1 : op.row_local_unit();
    const bool units_fit = unit == 1 || stages.empty() || stages.back().unit == 1 || stages.back().unit == unit;
    if (own == 0 || own != rows || !units_fit) stages.push_back({i, i});
    stages.back().last = i + 1;
    if (unit > 1) stages.back().unit = unit;
    rows = own;
  }
  return stages;
}

}  // namespace

// What it gives for more threads only splits what it gives for one, for which memory is planned.
std::vector<Stage> make_stages(const Program& program, int threads) {
  std::vector<Stage> stages;
  for (const Stage& chain : chains(program)) {
    const std::uint32_t rows = program.steps[chain.first].op->row_local_rows(program);
    const bool split = chain.unit > 1 && !suits(rows / chain.unit, threads);
    Stage rest{chain.first, chain.first, split ? 1 : chain.unit};
    const auto end = [&](std::size_t last) {
      rest.last = last;
      // By itself such a step is shared out in its own way.
      if (rest.last - rest.first == 1) rest.unit = 1;
      if (rest.first < rest.last) stages.push_back(rest);
      rest.first = last;
    };
    for (std::size_t i = chain.first; i < chain.last; ++i) {
      if (!split || program.steps[i].op->row_local_unit() == 1) continue;
      end(i);
      end(i + 1);
    }
    end(chain.last);
  }
  return stages;
}

}  // namespace intvit
