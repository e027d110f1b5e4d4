#include "bench/vitbench/compare.h"

#include <algorithm>
#include <set>

#include "tools/common/machine/build_info.h"
#include "tools/common/machine/machine.h"
#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What differs besides the model, each once however many rows it concerns.
void note_differences(const OldRow& old, const Row& row, std::set<std::string>& notes) {
  const auto compare = [&](const std::string& what, const std::string& before, const std::string& now) {
    if (before != now) notes.insert("the old rows have " + what + ": '" + before + "', now '" + now + "'");
  };
  compare("other pictures", old.pictures, row.pictures);
  const std::string cpu = cpu_name();
  // Versions up to 0.1.0 left out what tells CPUs of one name apart.
  if (!cpu.starts_with(old.cpu + " (family ")) compare("another CPU", old.cpu, cpu);
  compare("another compiler", old.compiler, compiler());
  compare("another build type", old.build_type, build_type());
  compare("other compiler options", old.flags, build_flags());
  if (old.profiled == row.profile.empty()) {
    notes.insert("one of the measurements was made with --profile, which makes runs slower");
  }
  if (old.model_digest != row.model_digest) {
    notes.insert("'" + row.model + "' is not the file that it was: compared by its name");
  }
}

}  // namespace

const OldRow* find_old(const std::vector<OldRow>& old_rows, const Row& row) {
  const auto find = [&](auto&& same_model) {
    const auto found = std::find_if(old_rows.begin(), old_rows.end(), [&](const OldRow& old) {
      return old.isa == row.isa && old.threads == row.threads && old.batch == row.batch && same_model(old);
    });
    return found == old_rows.end() ? nullptr : &*found;
  };
  const OldRow* same_file = find([&](const OldRow& old) { return old.model_digest == row.model_digest; });
  if (same_file != nullptr) return same_file;
  return find([&](const OldRow& old) { return base_name(old.model) == base_name(row.model); });
}

Verdict judge(const Ratio& ratio, double tolerance_percent) {
  if (ratio.low > 1 + tolerance_percent / 100) return Verdict::slower;
  if (ratio.high < 1 - tolerance_percent / 100) return Verdict::faster;
  return Verdict::same;
}

std::vector<std::string> compare(const OldMeasurement& old, std::vector<Row>& rows) {
  std::set<std::string> notes;
  for (Row& row : rows) {
    const OldRow* old_row = find_old(old.rows, row);
    if (old_row == nullptr) {
      notes.insert("no old row for " + row.name());
      continue;
    }
    note_differences(*old_row, row, notes);
    const Ratio ratio = ratio_of_medians(row.times, old_row->times);
    row.comparison = {summarize(old_row->times).median, ratio, judge(ratio, old.tolerance_percent)};
  }
  return {notes.begin(), notes.end()};
}

Status check_not_slower(const std::vector<Row>& rows, const OldMeasurement& old) {
  std::string slower;
  std::size_t compared = 0;
  for (const Row& row : rows) {
    if (!row.comparison) continue;
    ++compared;
    if (row.comparison->verdict != Verdict::slower) continue;
    slower += (slower.empty() ? "" : "; ") + row.name() + " (" + fixed(row.comparison->ratio.value, 3) + " times)";
  }
  if (compared == 0) {
    return {Code::invalid_argument, "--compare '" + old.path +
                                        "': no row has the model, instruction set, threads and batch of any "
                                        "measured now; measure the same combinations"};
  }
  if (slower.empty()) return {};
  return {Code::check_failed, "slower than in '" + old.path + "', by more than " + fixed(old.tolerance_percent, 1) +
                                  " % with 95 % confidence: " + slower};
}

}  // namespace intvit::bench
