#include "engine/program/stages.h"

namespace intvit {

std::vector<Stage> make_stages(const Program& program) {
  std::vector<Stage> stages;
  std::uint32_t rows = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const std::uint32_t own = program.steps[i].op->row_local_rows(program);
    if (own == 0 || own != rows) {
      stages.push_back({i, i + 1});
    } else {
      stages.back().last = i + 1;
    }
    rows = own;
  }
  return stages;
}

}  // namespace intvit
