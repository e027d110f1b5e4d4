#include "tools/vitrun/sites.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/format/layout.h"
#include "engine/format/writer.h"

namespace intvit {
namespace {

constexpr std::size_t kMostOutputs = kMaxPorts - 1;  // beside the picture

}  // namespace

std::vector<Site> sites_of(const Program& program) {
  std::vector<Site> sites;
  std::set<BufferId> in_planes;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    for (const Operand& operand : step.op->operands()) {
      if (!operand.writes() || operand.buffer == kNone) continue;
      if (operand.leaves.planes > 1) in_planes.insert(operand.buffer);
      Site site{step.layer, std::string(step.op->name()), operand.name == "aside", i, operand.buffer};
      site.highest_code = std::min(operand.leaves.highest_code, 255u);
      site.can_be_shown = in_planes.count(operand.buffer) == 0 && program.buffers[operand.buffer].type != DataType::s8;
      sites.push_back(std::move(site));
    }
  }
  return sites;
}

std::vector<SiteRange> site_ranges(const Program& program, const std::vector<Site>& sites, std::size_t most) {
  most = std::clamp<std::size_t>(most, 1, kMostOutputs);
  std::vector<SiteRange> ranges;
  std::set<BufferId> watched;
  std::size_t step = 0;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    bool overwrites = false;
    for (; step <= sites[i].step; ++step) {
      for (const Operand& operand : program.steps[step].op->operands()) {
        overwrites = overwrites || (operand.writes() && watched.count(operand.buffer) > 0);
      }
    }
    if (ranges.empty() || overwrites || ranges.back().end - ranges.back().first == most) {
      ranges.push_back({i, i});
      watched.clear();
    }
    watched.insert(sites[i].buffer);
    ranges.back().end = i + 1;
  }
  return ranges;
}

Result<SiteRun> make_site_run(const Program& program, const std::vector<Site>& sites, const SiteRange& range, Isa isa,
                              int threads) {
  Program shorter = program;
  const auto steps = static_cast<std::ptrdiff_t>(sites[range.end - 1].step + 1);
  shorter.steps.erase(shorter.steps.begin() + steps, shorter.steps.end());
  std::erase_if(shorter.ports, [](const ProgramPort& port) { return port.kind != PortKind::picture; });
  for (std::size_t i = range.first; i < range.end; ++i) {
    shorter.add_port("site" + std::to_string(i), PortKind::tokens, sites[i].buffer);
  }
  SiteRun run;
  run.model = encode_model(shorter, {});
  const auto model = Model::from_memory(run.model, "part of the model", {.storage = Storage::in_place, .log = {}});
  if (!model.ok()) return model.status();
  Result<std::unique_ptr<Session>> session = Session::create(model.value(), {.threads = threads, .isa = isa});
  if (!session.ok()) return session.status();
  run.session = session.take();
  return run;
}

}  // namespace intvit
