#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <vector>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"
#include "converter/float/parallel.h"
#include "converter/float/projected_zero.h"

namespace intvit {
namespace {

class WindowAttention {
 public:
  WindowAttention(const Attention& attention, const NodeRun& run)
      : run_(run),
        map_(expand(*attention.windows)),
        bias_(attention.bias),
        heads_(run.in(0).heads),
        slots_(map_.tokens),
        pads_{pad_row(0), pad_row(1), pad_row(2)} {}

  int windows() const { return map_.windows; }

  bool probabilities(int window) const {
    const std::vector<float> queries = rows_of(0, window), keys = rows_of(1, window);
    const int columns = run_.in(0).columns, head_dim = run_.in(0).head_columns();
    const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
    std::vector<float> scores(area(slots_, slots_));
    for (int head = 0; head < heads_; ++head) {
      if (!bias_.empty()) std::copy_n(bias_.data() + area(head * slots_, slots_), scores.size(), scores.data());
      if (!multiply({queries.data() + head * head_dim, columns}, {keys.data() + head * head_dim, columns}, true, scale,
                    !bias_.empty(), slots_, slots_, head_dim, scores.data(), slots_)) {
        return false;
      }
      put_unseen(window, -std::numeric_limits<float>::infinity(), scores);
      softmax_rows(scores.data(), slots_, slots_);
      put_unseen(window, 0.0f, scores);
      for (int slot = 0; slot < slots_; ++slot) {
        const int token = token_at(window, slot);
        if (token < 0) continue;
        std::copy_n(scores.data() + area(slot, slots_), slots_, run_.output(0) + probability_row(head, token));
      }
    }
    return true;
  }

  bool output(int window) const {
    const std::vector<float> values = rows_of(2, window);
    const int columns = run_.in(2).columns, value_dim = run_.in(2).head_columns();
    std::vector<float> weights(area(slots_, slots_)), attended(area(slots_, columns));
    for (int head = 0; head < heads_; ++head) {
      for (int slot = 0; slot < slots_; ++slot) {
        const int token = token_at(window, slot);
        if (token < 0) continue;
        std::copy_n(run_.output(0) + probability_row(head, token), slots_, weights.data() + area(slot, slots_));
      }
      if (!multiply({weights.data(), slots_}, {values.data() + head * value_dim, columns}, false, 1.0f, false, slots_,
                    value_dim, slots_, attended.data() + head * value_dim, columns)) {
        return false;
      }
    }
    for (int slot = 0; slot < slots_; ++slot) {
      const int token = token_at(window, slot);
      if (token < 0) continue;
      std::copy_n(attended.data() + area(slot, columns), columns, run_.output(1) + area(token, columns));
    }
    return true;
  }

 private:
  int token_at(int window, int slot) const { return map_.rows[area(window, slots_) + static_cast<std::size_t>(slot)]; }

  std::size_t probability_row(int head, int token) const { return area(head * run_.in(0).rows + token, slots_); }

  std::vector<float> pad_row(std::size_t i) const { return projected_zero(run_.network, run_.node.inputs[i]); }

  // Of input `i`, those of a window one after another.
  std::vector<float> rows_of(std::size_t i, int window) const {
    const int columns = run_.in(i).columns;
    std::vector<float> rows(area(slots_, columns));
    for (int slot = 0; slot < slots_; ++slot) {
      const int token = token_at(window, slot);
      const float* row = token < 0 ? pads_[i].data() : run_.input(i) + area(token, columns);
      std::copy_n(row, columns, rows.data() + area(slot, columns));
    }
    return rows;
  }

  // To every pair of slots that do not see each other.
  void put_unseen(int window, float value, std::vector<float>& scores) const {
    if (map_.regions.empty()) return;
    const std::uint8_t* region = map_.regions.data() + area(window, slots_);
    for (int query = 0; query < slots_; ++query) {
      float* row = scores.data() + area(query, slots_);
      for (int key = 0; key < slots_; ++key) {
        if (region[key] != region[query]) row[key] = value;
      }
    }
  }

  const NodeRun& run_;
  const WindowMap map_;
  const std::vector<float>& bias_;
  const int heads_, slots_;
  const std::vector<float> pads_[3];
};

}  // namespace

// A task is a window. All probabilities are shown before they are used.
void forward_windows(const Attention& attention, const NodeRun& run) {
  const WindowAttention windows(attention, run);
  std::atomic<bool> ok = true;
  parallel_for(run.threads, windows.windows(), [&](int window) {
    if (!windows.probabilities(window)) ok = false;
  });
  run.observe(0);
  parallel_for(run.threads, windows.windows(), [&](int window) {
    if (!windows.output(window)) ok = false;
  });
  if (!ok) throw std::bad_alloc();
  run.observe(1);
}

}  // namespace intvit
