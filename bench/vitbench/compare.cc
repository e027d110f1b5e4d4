#include "bench/vitbench/compare.h"

#include <algorithm>
#include <set>

#include "tools/common/cli/shown_text.h"
#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

// Rows that a message lists, and bytes of each.
constexpr std::size_t kMostNamed = 10, kLongestNamed = 100;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What differs besides the model, each once however many rows it concerns.
void note_differences(const OldRow& old, const Row& row, bool by_name, std::set<std::string>& notes) {
  const auto compare = [&](const std::string& what, const std::string& before, const std::string& now) {
    if (before != now) notes.insert("the old rows have " + what + ": '" + before + "', now '" + now + "'");
  };
  compare("other pictures", old.pictures, row.pictures);
  compare("threads on other CPUs", old.pinned, row.pinned);
  const std::string cpu = cpu_name();
  // Versions up to 0.1.0 left out what tells CPUs of one name apart.
  if (!cpu.starts_with(old.cpu + " (family ")) compare("another CPU", old.cpu, cpu);
  compare("another compiler", old.compiler, compiler());
  compare("another build type", old.build_type, build_type());
  compare("other compiler options", old.flags, build_flags());
  if (old.profiled == row.profile.empty()) {
    notes.insert("one of the measurements was made with --profile, which makes runs slower");
  }
  if (by_name && old.model_digest != row.model_digest) {
    notes.insert("'" + row.model + "' is not the file that it was: compared by its name");
  }
}

}  // namespace

const OldRow* find_old(const OldMeasurement& old, const Row& row) {
  const auto find = [&](auto&& same_model) {
    const auto found = std::find_if(old.rows.begin(), old.rows.end(), [&](const OldRow& o) {
      return o.isa == row.isa && o.threads == row.threads && o.batch == row.batch && same_model(o);
    });
    return found == old.rows.end() ? nullptr : &*found;
  };
  const std::string& name = old.as.empty() ? row.model : old.as;
  const OldRow* same_file = old.as.empty() ? find([&](const OldRow& o) { return o.model_digest == row.model_digest; })
                                           : find([&](const OldRow& o) { return o.model == name; });
  if (same_file != nullptr) return same_file;
  return find([&](const OldRow& o) { return base_name(o.model) == base_name(name); });
}

Status check_comparable(const OldMeasurement& old, const std::vector<Row>& planned) {
  const auto has_old = [&](const Row& row) { return find_old(old, row) != nullptr; };
  if (std::any_of(planned.begin(), planned.end(), has_old)) return {};
  const Row& first = planned.front();
  std::string text = "--compare '" + shortened(old.path) + "' has no row for " +
                     row_name(shortened(old.as.empty() ? first.model : old.as), first.isa, first.threads, first.batch);
  if (planned.size() > 1) text += " or any other that would be measured";
  text +=
      "; measure the same combinations" + std::string(old.as.empty() ? " or name another model of it with --as" : "");
  text += "; it has";
  const std::size_t shown = std::min(old.rows.size(), kMostNamed);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? ": " : "; ") + shortened(old.rows[i].name(), kLongestNamed);
  if (shown < old.rows.size()) text += "; and " + std::to_string(old.rows.size() - shown) + " more";
  return {Code::invalid_argument, text};
}

Verdict judge(const Ratio& ratio, double tolerance_percent) {
  if (ratio.low > 1 + tolerance_percent / 100) return Verdict::slower;
  if (ratio.high < 1 - tolerance_percent / 100) return Verdict::faster;
  return Verdict::same;
}

std::vector<std::string> compare(const OldMeasurement& old, std::vector<Row>& rows) {
  std::set<std::string> notes;
  for (Row& row : rows) {
    const OldRow* old_row = find_old(old, row);
    if (old_row == nullptr) {
      notes.insert("no old row for " + row.name());
      continue;
    }
    note_differences(*old_row, row, old.as.empty(), notes);
    const Ratio ratio = ratio_of_medians(row.times, old_row->times);
    row.comparison = {summarize(old_row->times).median, ratio, judge(ratio, old.tolerance_percent)};
  }
  return {notes.begin(), notes.end()};
}

Status check_not_slower(const std::vector<Row>& rows, const OldMeasurement& old) {
  std::string slower;
  for (const Row& row : rows) {
    if (!row.comparison) continue;
    if (row.comparison->verdict != Verdict::slower) continue;
    slower += (slower.empty() ? "" : "; ") + row.name() + " (" + fixed(row.comparison->ratio.value, 3) + " times)";
  }
  if (slower.empty()) return {};
  return {Code::check_failed, "slower than in '" + old.path + "', by more than " + fixed(old.tolerance_percent, 1) +
                                  " % with 95 % confidence: " + slower};
}

}  // namespace intvit::bench
