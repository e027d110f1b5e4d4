#include "bench/trace.h"

#include <algorithm>

#include "engine/program/cost.h"
#include "engine/program/stages.h"
#include "engine/tools/build_info.h"
#include "engine/tools/json_text.h"
#include "engine/tools/machine.h"

namespace intvit::bench {
namespace {

using Json = nlohmann::ordered_json;

class RunEvents {
 public:
  RunEvents(const TracedRun& run, int process, Json& events)
      : run_(run), stages_(make_stages(*run.program)), process_(process), events_(events) {
    if (run_.program->steps.empty()) return;
    begin_ = run_.threads[0].front().begin;
    for (const std::vector<StepTime>& steps : run_.threads) {
      begin_ = std::min(begin_, steps.front().begin);
      end_ = std::max(end_, steps.back().end);
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
    const std::vector<StepTime>& steps = run_.threads[static_cast<std::size_t>(thread)];
    add_name("thread_name", thread, "thread " + std::to_string(thread));
    add(thread, "wake", "wait", {begin_, steps.front().begin}, Json::object());
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const Stage& stage = stages_[s];
      for (std::size_t i = stage.first; i < stage.last; ++i) add_step(thread, i, s, steps[i]);
      const std::uint64_t next = s + 1 < stages_.size() ? steps[stage.last].begin : end_;
      add(thread, "barrier", "wait", {steps[stage.last - 1].end, next}, {{"after_stage", s}});
    }
  }

  void add_step(int thread, std::size_t index, std::size_t stage, StepTime time) {
    const Step& step = run_.program->steps[index];
    const std::string op(op_name(step.op));
    const OpCost cost = op_cost(step.op, *run_.program, static_cast<std::uint64_t>(run_.batch));
    add(thread, op + ' ' + step.layer, "step", time,
        {{"op", op},
         {"layer", step.layer},
         {"stage", stage},
         {"rows", cost.rows},
         {"macs", cost.macs},
         {"bytes", cost.bytes}});
  }

  const TracedRun& run_;
  const std::vector<Stage> stages_;
  const int process_;
  Json& events_;
  std::uint64_t begin_ = 0, end_ = 0;
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
