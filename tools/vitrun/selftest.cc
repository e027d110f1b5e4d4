#include "tools/vitrun/selftest.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "engine/run/outputs_digest.h"
#include "engine/run/select_isa.h"
#include "intvit/session.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/results/digest.h"
#include "tools/common/results/json_text.h"
#include "tools/common/results/text_table.h"

namespace intvit {
namespace {

using Json = nlohmann::ordered_json;

struct Run {
  Isa isa = Isa::scalar;
  int threads = 1;
  std::string digest;
};

Result<std::vector<Run>> all_runs(const VitrunOptions& options, const std::shared_ptr<const Model>& model) {
  const View<const Isa> available = available_isas();
  std::vector<Isa> isas(available.begin(), available.end());
  if (!options.isa.empty()) {
    const Result<Isa> isa = select_isa(options.isa);
    if (!isa.ok()) return isa.status();
    isas = {isa.value()};
  }
  std::vector<Run> runs;
  for (const Isa isa : isas) {
    // One, an even share, an odd one, and what everything else uses.
    for (const int threads : std::set<int>{1, 2, 3, options.threads}) {
      Result<std::unique_ptr<Session>> session = Session::create(model, {.threads = threads, .isa = isa});
      if (!session.ok()) return session.status();
      const Result<std::uint64_t> digest = selftest_digest(*session.value());
      if (!digest.ok()) return digest.status();
      runs.push_back({isa, threads, hex64(digest.value())});
    }
  }
  return runs;
}

}  // namespace

Result<int> run_selftest(const VitrunOptions& options, const std::shared_ptr<const Model>& model, std::ostream& out) {
  const Result<std::vector<Run>> runs = all_runs(options, model);
  if (!runs.ok()) return runs.status();
  const auto stored = model->metadata().find("selftest_digest");
  const bool is_stored = stored != model->metadata().end();
  const std::string expected = is_stored ? stored->second : runs.value().front().digest;
  TextTable table({"isa", "threads", "digest", ""}, 1);
  Json lines = Json::array();
  std::size_t wrong = 0;
  for (const Run& run : runs.value()) {
    const bool right = run.digest == expected;
    wrong += right ? 0 : 1;
    const std::string isa(isa_name(run.isa));
    table.add({isa, std::to_string(run.threads), run.digest, right ? "ok" : "differs"});
    lines.push_back({{"isa", isa}, {"threads", run.threads}, {"digest", run.digest}, {"ok", right}});
  }
  if (options.format == OutputFormat::json || options.format == OutputFormat::jsonl) {
    const Json object = {{"model", options.model},
                         {"expected", is_stored ? Json(expected) : Json(nullptr)},
                         {"ok", wrong == 0},
                         {"runs", lines}};
    out << json_text(object, options.format == OutputFormat::json ? 2 : -1) << '\n';
  } else {
    table.print(out);
    out << '\n'
        << (wrong > 0   ? std::to_string(wrong) + " of " + std::to_string(runs.value().size()) + " runs differ"
            : is_stored ? "all are the digest in the model, " + expected
                        : "all are the same; the model has no digest to compare with, convert it again for one")
        << '\n';
  }
  return wrong > 0 ? kExitCheckFailed : kExitOk;
}

}  // namespace intvit
