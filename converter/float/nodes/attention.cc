#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "converter/float/layers.h"
#include "converter/float/node_run.h"
#include "converter/float/parallel.h"

namespace intvit {
namespace {

// Rows of queries per task, about; tasks of one head have equal sizes.
constexpr int kQueriesPerTask = 100;

}  // namespace

// A task is a head and some of its queries. Without an observer a task goes straight from its probabilities to its
// output; otherwise all probabilities are shown in between.
void forward(const Attention& attention, const NodeRun& run) {
  if (attention.windows) return forward_windows(attention, run);
  const Tensor &queries = run.in(0), &keys = run.in(1), &values = run.in(2);
  const int heads = queries.heads, rows_all = attention.queries > 0 ? attention.queries : queries.rows,
            key_rows = keys.rows;
  const int head_dim = queries.head_columns(), value_dim = values.head_columns();
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_dim)));
  const int parts = (rows_all + kQueriesPerTask - 1) / kQueriesPerTask;
  const int size = (rows_all + parts - 1) / parts;
  float* scores = run.output(0);
  float* attended = run.output(1);
  std::atomic<bool> ok = true;

  const auto probabilities = [&](int head, int begin, int rows) {
    float* out = scores + area(head * rows_all + begin, key_rows);
    const MatrixView query = {run.input(0) + area(begin, queries.columns) + head * head_dim, queries.columns};
    const MatrixView key = {run.input(1) + head * head_dim, keys.columns};
    const bool biased = !attention.bias.empty();
    if (biased) std::copy_n(attention.bias.data() + area(head * rows_all + begin, key_rows), area(rows, key_rows), out);
    if (!multiply(query, key, true, scale, biased, rows, key_rows, head_dim, out, key_rows)) ok = false;
    softmax_rows(out, rows, key_rows);
  };
  const auto output = [&](int head, int begin, int rows) {
    const MatrixView weights = {scores + area(head * rows_all + begin, key_rows), key_rows};
    const MatrixView value = {run.input(2) + head * value_dim, values.columns};
    float* out = attended + area(begin, values.columns) + head * value_dim;
    if (!multiply(weights, value, false, 1.0f, false, rows, value_dim, key_rows, out, values.columns)) ok = false;
  };
  const auto for_each_piece = [&](const auto& work) {
    parallel_for(run.threads, heads * parts, [&](int task) {
      const int begin = task % parts * size;
      if (begin < rows_all) work(task / parts, begin, std::min(size, rows_all - begin));
    });
  };

  if (run.observer == nullptr) {
    for_each_piece([&](int head, int begin, int rows) {
      probabilities(head, begin, rows);
      output(head, begin, rows);
    });
  } else {
    for_each_piece(probabilities);
    run.observe(0);
    for_each_piece(output);
  }
  if (!ok) throw std::bad_alloc();
  run.observe(1);
}

}  // namespace intvit
