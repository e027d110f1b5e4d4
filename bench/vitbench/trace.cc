#include "bench/vitbench/trace.h"

#include <algorithm>

#include "engine/program/cost.h"
#include "engine/program/stages.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/json_text.h"

namespace intvit::bench {
namespace {

using Json = nlohmann::ordered_json;

class RunEvents {
 public:
  RunEvents(const TracedRun& run, int process, Json& events)
      : run_(run), stages_(make_stages(*run.program)), process_(process), events_(events) {
    for (const std::vector<StepTime>& steps : run_.threads) {
      for (const StepTime& step : steps) {
        if (step.begin == 0) continue;
        begin_ = std::min(begin_, step.begin);
        end_ = std::max(end_, step.end);
      }
    }
    add_name("process_name", 0, run_.name);
    for (std::size_t i = 0; i < run_.threads.size(); ++i) add_thread(static_cast<int>(i));
  }

 private:
  void add_name(const char* kind, int thread, const std::string& name) {
    events_.push_back({{"ph", "M"}, {"name", kind}, {"pid", process_}, {"tid", thread}, {"args", {{"name", name}}}});
  }

  void add(int thread, const std::string& name, const char* category, StepTime time, const Json& args) {
    if (time.end <= time.begin) return;
    events_.push_back({{"ph", "X"},
                       {"name", name},
                       {"cat", category},
                       {"pid", process_},
                       {"tid", thread},
                       {"ts", static_cast<double>(time.begin - begin_) / 1e3},
                       {"dur", static_cast<double>(time.end - time.begin) / 1e3},
                       {"args", args}});
  }

  void add_thread(int thread) {
    add_name("thread_name", thread, "thread " + std::to_string(thread));
    const std::vector<StepTime>& times = run_.threads[static_cast<std::size_t>(thread)];
    const std::size_t steps = run_.program->steps.size();
    // A wait lasts until the next step, which is known when that comes.
    StepTime wait{begin_, 0};
    Json reason;
    const auto end_wait = [&](std::uint64_t end) {
      if (wait.begin == 0) return;
      add(thread, reason.is_null() ? "wake" : "barrier", "wait", {wait.begin, end}, reason);
      wait.begin = 0;
    };
    for (int picture = 0; picture < run_.batch && steps > 0; ++picture) {
      const StepTime* own = times.data() + static_cast<std::size_t>(picture) * steps;
      if (own[0].begin == 0) continue;
      const bool shared = picture >= run_.first_shared_picture;
      // From one picture of its own to the next a thread does not wait.
      if (!shared && !reason.is_null()) wait.begin = 0;
      for (std::size_t s = 0; s < stages_.size(); ++s) {
        end_wait(own[stages_[s].first].begin);
        for (std::size_t i = stages_[s].first; i < stages_[s].last; ++i) add_step(thread, picture, i, s, own[i]);
        if (!shared && s + 1 < stages_.size()) continue;
        wait.begin = own[stages_[s].last - 1].end;
        reason = {{"after_picture", picture}, {"after_stage", s}};
      }
    }
    end_wait(end_);
  }

  void add_step(int thread, int picture, std::size_t index, std::size_t stage, StepTime time) {
    const Step& step = run_.program->steps[index];
    const std::string op(step.op->name());
    const OpCost cost = op_cost(step.op, *run_.program, 1);
    add(thread, op + ' ' + step.layer, "step", time,
        {{"op", op},
         {"layer", step.layer},
         {"picture", picture},
         {"stage", stage},
         {"rows", cost.rows},
         {"macs", cost.macs},
         {"bytes", cost.bytes}});
  }

  const TracedRun& run_;
  const std::vector<Stage> stages_;
  const int process_;
  Json& events_;
  std::uint64_t begin_ = UINT64_MAX, end_ = 0;
};

}  // namespace

std::string trace_json(const std::vector<TracedRun>& runs) {
  Json events = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) RunEvents(runs[i], static_cast<int>(i) + 1, events);
  const Json other = {{"version", version()},
                      {"compiler", compiler()},
                      {"build_type", build_type()},
                      {"flags", build_flags()},
                      {"cpu", cpu_name()}};
  return json_text({{"displayTimeUnit", "ns"}, {"otherData", other}, {"traceEvents", events}}) + '\n';
}

}  // namespace intvit::bench
