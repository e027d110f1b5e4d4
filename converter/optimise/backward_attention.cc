#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"
#include "converter/float/projected_zero.h"
#include "converter/optimise/backward.h"

namespace intvit {
namespace {

// Some rows of a tensor one after another, which may lie apart in it: those of a window, of which -1 are pads.
class RowsOf {
 public:
  RowsOf(const std::int32_t* tokens, int count) : tokens_(tokens), count_(count) {}

  // A pad is the row `pad`, or zeros.
  std::vector<float> gather(const float* from, int columns, const std::vector<float>& pad = {}) const {
    std::vector<float> rows(area(count_, columns), 0.0f);
    for (int i = 0; i < count_; ++i) {
      const int token = token_at(i);
      if (token < 0 && pad.empty()) continue;
      std::copy_n(token < 0 ? pad.data() : from + area(token, columns), columns, rows.data() + area(i, columns));
    }
    return rows;
  }
  bool has_pads() const { return tokens_ != nullptr && std::find(tokens_, tokens_ + count_, -1) != tokens_ + count_; }
  void add(const std::vector<float>& rows, int columns, float* to) const {
    for (int i = 0; i < count_; ++i) {
      const int token = token_at(i);
      for (int c = 0; token >= 0 && c < columns; ++c) {
        to[area(token, columns) + static_cast<std::size_t>(c)] += rows[area(i, columns) + static_cast<std::size_t>(c)];
      }
    }
  }

 private:
  int token_at(int i) const { return tokens_ == nullptr ? i : tokens_[i]; }
  const std::int32_t* tokens_;  // null: all that there are
  const int count_;
};

// Queries that see the same keys, all heads.
class AttentionBackward {
 public:
  AttentionBackward(const BackwardRun& run, const RowsOf& queries, int query_count, const RowsOf& keys, int key_count,
                    int rows_all)
      : run_(run),
        queries_(queries),
        keys_(keys),
        query_count_(query_count),
        key_count_(key_count),
        rows_all_(rows_all),
        columns_(run.in(0).columns),
        value_columns_(run.in(2).columns) {}

  bool operator()() const {
    const std::vector<float> query = queries_.gather(run_.input(0), columns_),
                             key = keys_.gather(run_.input(1), columns_, pad_row(1)),
                             value = keys_.gather(run_.input(2), value_columns_, pad_row(2)),
                             gradient = queries_.gather(run_.output_gradient(1), value_columns_);
    std::vector<float> to_query(query.size(), 0.0f), to_key(key.size(), 0.0f), to_value(value.size(), 0.0f);
    const int heads = run_.in(0).heads, width = run_.in(0).head_columns(), value_width = run_.in(2).head_columns();
    const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    bool ok = true;
    for (int head = 0; head < heads; ++head) {
      const int first = head * width, value_first = head * value_width;
      const std::vector<float> seen = probabilities(run_.seen(0), head);
      std::vector<float> scores(seen.size());
      // dv = P^T dO, dP = dO v^T
      ok = ok &&
           multiply_transposed({seen.data(), key_count_}, {gradient.data() + value_first, value_columns_}, 1.0f, false,
                               key_count_, value_width, query_count_, to_value.data() + value_first, value_columns_);
      ok = ok && multiply({gradient.data() + value_first, value_columns_}, {value.data() + value_first, value_columns_},
                          true, 1.0f, false, query_count_, key_count_, value_width, scores.data(), key_count_);
      softmax_backward(head, scores);
      // dq = c dS k, dk = c dS^T q
      ok = ok && multiply({scores.data(), key_count_}, {key.data() + first, columns_}, false, scale, false,
                          query_count_, width, key_count_, to_query.data() + first, columns_);
      ok = ok && multiply_transposed({scores.data(), key_count_}, {query.data() + first, columns_}, scale, false,
                                     key_count_, width, query_count_, to_key.data() + first, columns_);
    }
    if (float* to = run_.input_gradient(0)) queries_.add(to_query, columns_, to);
    if (float* to = run_.input_gradient(1)) keys_.add(to_key, columns_, to);
    if (float* to = run_.input_gradient(2)) keys_.add(to_value, value_columns_, to);
    return ok;
  }

 private:
  std::vector<float> pad_row(std::size_t i) const {
    if (!keys_.has_pads()) return {};
    return projected_zero(run_.network, run_.node.inputs[i]);
  }
  std::vector<float> probabilities(const float* from, int head) const {
    return queries_.gather(from + area(head * rows_all_, key_count_), key_count_);
  }

  // dS = P o (dP - rowsum(dP o P)), in place. Codes' values stand for what they were (straight through).
  void softmax_backward(int head, std::vector<float>& gradient) const {
    const std::vector<float> exact = probabilities(run_.written(0), head);
    if (const float* own = run_.output_gradient(0)) {
      const std::vector<float> loss = probabilities(own, head);
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += loss[i];
    }
    for (int row = 0; row < query_count_; ++row) {
      const float* p = exact.data() + area(row, key_count_);
      float* g = gradient.data() + area(row, key_count_);
      float sum = 0;
      for (int k = 0; k < key_count_; ++k) sum += g[k] * p[k];
      for (int k = 0; k < key_count_; ++k) g[k] = p[k] * (g[k] - sum);
    }
  }

  const BackwardRun& run_;
  const RowsOf &queries_, &keys_;
  const int query_count_, key_count_, rows_all_, columns_, value_columns_;
};

}  // namespace

// A pad's gradient, which would be that of the projection's bias, is left out.
void backward(const Attention& attention, const BackwardRun& run) {
  if (run.output_gradient(1) == nullptr) return;
  const int rows_all = attention.queries > 0 ? attention.queries : run.in(0).rows;
  bool ok = true;
  if (attention.windows) {
    const WindowMap map = expand(*attention.windows);
    for (int window = 0; window < map.windows; ++window) {
      const RowsOf rows(map.rows.data() + area(window, map.tokens), map.tokens);
      ok = ok && AttentionBackward(run, rows, map.tokens, rows, map.tokens, rows_all)();
    }
  } else {
    const RowsOf queries(nullptr, rows_all), keys(nullptr, run.in(1).rows);
    ok = AttentionBackward(run, queries, rows_all, keys, run.in(1).rows, rows_all)();
  }
  if (!ok) throw std::bad_alloc();
}

}  // namespace intvit
