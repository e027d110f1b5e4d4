#include "bench/vitbench/make_row.h"

#include <algorithm>
#include <string>

#include "bench/vitbench/pinning.h"
#include "engine/program/cost.h"
#include "tools/common/results/digest.h"

namespace intvit::bench {
namespace {

std::string describe_pictures(const std::vector<std::string>& files) {
  if (files.empty()) return "painted";
  std::string text;
  for (const std::string& file : files) text += (text.empty() ? "" : ",") + file.substr(file.rfind('/') + 1);
  return text;
}

}  // namespace

Row make_row(const Contender& contender, const Model& model, const std::vector<MachinePeak>& peaks) {
  const Combination& c = contender.combination();
  Row row;
  row.model = c.model;
  row.model_digest = hex64(model.digest());
  row.op_set = static_cast<std::uint32_t>(model.op_set());
  row.isa = isa_name(contender.isa());
  row.threads = contender.threads();
  row.batch = contender.batch();
  row.pictures = describe_pictures(c.pictures);
  row.pinned = cpu_list(c.cpus);
  row.times = contender.milliseconds();
  row.milliseconds = summarize(row.times);
  row.gmac = static_cast<double>(program_macs(model.program())) / 1e9;
  row.peak_rss_mib = contender.peak_rss_mib();
  row.cold = contender.cold_start();
  row.logits_digest = hex64(contender.outputs_digest());
  const auto machine = std::find_if(peaks.begin(), peaks.end(), [&](const MachinePeak& peak) {
    return peak.isa == c.isa && peak.threads == c.threads;
  });
  row.barrier_ns = machine->barrier_ns;
  if (machine->peak) row.peak_gmac_s = row.gmac * 1e3 / milliseconds_at_peak(model.program(), *machine->peak);
  if (c.profile) {
    row.profile = profile_by_layer(model.program(), contender.step_nanoseconds(), row.times.size(), c.batch);
  }
  return row;
}

}  // namespace intvit::bench
