// What every method's plan holds after its searches, against each candidate that the method promises to look at: by the
// error behind the next multiplication, no candidate is better. The errors of softmax outputs are computed here anew.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/module_error.h"
#include "converter/methods/method.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"
#include "tests/converter/searched_network.h"

using namespace intvit;

namespace {

// |A V - A^ V|^2 of one head, over all rows.
double attention_error(const Searched& f, const SegmentSamples& samples, const SoftmaxScheme& scheme, int head) {
  const TensorSamples &probabilities = f.at(samples, "attn.post_softmax"), &values = f.at(samples, "attn.value");
  const int tokens = probabilities.cols, width = values.cols / kHeads;
  double error = 0;
  for (std::size_t p = 0; p < probabilities.pictures.size(); ++p) {
    const float* exact = probabilities.pictures[p].data() + head * tokens * tokens;
    std::vector<float> held(exact, exact + tokens * tokens);
    simulate(scheme, head, held.data(), tokens, tokens);
    for (int row = 0; row < tokens; ++row) {
      for (int c = 0; c < width; ++c) {
        double difference = 0;
        for (int k = 0; k < tokens; ++k) {
          const float value = values.pictures[p][static_cast<std::size_t>(k * values.cols + head * width + c)];
          difference +=
              (static_cast<double>(held[static_cast<std::size_t>(row * tokens + k)]) - exact[row * tokens + k]) * value;
        }
        error += difference * difference;
      }
    }
  }
  return error;
}

double largest_probability(const Searched& f, const SegmentSamples& samples) {
  float largest = 0;
  for (const auto& picture : f.at(samples, "attn.post_softmax").pictures) {
    largest = std::max(largest, *std::max_element(picture.begin(), picture.end()));
  }
  return largest;
}

// No table of `candidates` is better for all heads together by AttentionError, which tsptq, ptq4vit and dopq minimise.
void check_softmax(Searched& f, const Plan& plan, const std::vector<TableScheme>& candidates, bool per_head) {
  for (const SegmentSamples& samples : f.blocks) {
    const SoftmaxScheme& chosen = plan.softmax.at(f.name(samples, "attn.post_softmax"));
    const AttentionError error(f.at(samples, "attn.post_softmax"), f.at(samples, "attn.value"),
                               plan.activations.at(f.name(samples, "attn.value")),
                               column_powers(f.layer(samples, "attn.proj")), 1);
    double ours = 0;
    for (int head = 0; head < kHeads; ++head) ours += error.of(chosen, head);
    for (const TableScheme& table : candidates) {
      double theirs = 0;
      for (int head = 0; head < kHeads; ++head) {
        const double one = error.of(with_table(chosen, table), head);
        if (per_head) CHECK(error.of(chosen, head) <= kMethodRounding * one);
        theirs += one;
      }
      CHECK(ours <= kMethodRounding * theirs);
    }
  }
}

void check_fc2(Searched& f, const Plan& plan, const std::function<std::vector<ActivationScheme>(double)>& candidates) {
  for (const SegmentSamples& samples : f.blocks) {
    const ChannelError error(f.at(samples, "mlp.fc2.input"), 0, column_powers(f.layer(samples, "mlp.fc2")), false);
    const double ours = error.of(plan.activations.at(f.name(samples, "mlp.fc2.input"))[0]);
    const TensorId hidden = tensor_of(f.network, f.name(samples, "mlp.fc2.input"));
    for (const ActivationScheme& one : candidates(f.statistics.magnitude(hidden))) {
      CHECK(ours <= kMethodRounding * error.of(one));
    }
  }
}

}  // namespace

TEST_CASE("searches of methods: adfq's largest levels of probabilities are the best of sixteen in every head") {
  Searched f;
  const Plan plan = f.plan("adfq");
  std::set<int> winners;
  for (const SegmentSamples& samples : f.blocks) {
    const SoftmaxScheme& chosen = plan.softmax.at(f.name(samples, "attn.post_softmax"));
    REQUIRE(chosen.tables.size() == kHeads);
    for (int head = 0; head < kHeads; ++head) {
      const double ours = attention_error(f, samples, chosen, head);
      int best = 0;
      double least = INFINITY;
      for (int i = 0; i < 16; ++i) {
        const double delta = largest_probability(f, samples) * std::exp2(-0.2 * i);
        const double theirs = attention_error(
            f, samples, with_table(chosen, logarithmic_table(LogarithmBase::square_root_of_two, delta, kBits)), head);
        CHECK(ours <= kMethodRounding * theirs);
        if (theirs < least) {
          least = theirs;
          best = i;
        }
      }
      winners.insert(best);
    }
  }
  CHECK(winners.size() > 1);
}

TEST_CASE("searches of methods: adfq's levels behind GELU are the best of sixteen") {
  Searched f;
  const Plan plan = f.plan("adfq");
  for (const SegmentSamples& samples : f.blocks) {
    const TensorSamples& inputs = f.at(samples, "mlp.fc2.input");
    const std::vector<double> importance = column_powers(f.layer(samples, "mlp.fc2"));
    const auto error = [&](const TableScheme& table) {
      double sum = 0;
      for (const std::vector<float>& picture : inputs.pictures) {
        for (std::size_t i = 0; i < picture.size(); ++i) {
          const double difference = picture[i] - value_of(picture[i], table);
          sum += importance[i % importance.size()] * difference * difference;
        }
      }
      return sum;
    };
    double high = 0;
    for (const auto& picture : inputs.pictures)
      high = std::max<double>(high, *std::max_element(picture.begin(), picture.end()));
    const double ours = error(plan.activations.at(f.name(samples, "mlp.fc2.input"))[0].table);
    double worst = 0;
    for (int i = 0; i < 16; ++i) {
      const double delta = (high - kGeluMinimum) * std::exp2(-0.2 * i);
      const double theirs =
          error(shifted_logarithmic_table(LogarithmBase::square_root_of_two, delta, kGeluMinimum, kBits));
      CHECK(ours <= 1.002 * theirs);  // the search sees the values in bins
      worst = std::max(worst, theirs);
    }
    CHECK(ours < 0.5 * worst);
  }
}

TEST_CASE("searches of methods: tsptq's two steps are the best of all shifts and shares") {
  Searched f;
  const Plan plan = f.plan("tsptq");
  std::vector<TableScheme> probabilities;
  for (int shift = 0; shift <= 8; ++shift) probabilities.push_back(two_scaled_probabilities(shift, kBits));
  check_softmax(f, plan, probabilities, false);
  check_fc2(f, plan, [](double largest) {
    std::vector<ActivationScheme> candidates;
    for (int tenths = 3; tenths <= 10; ++tenths) {
      for (int shift = 0; shift <= kBits; ++shift) {
        candidates.push_back(table_scheme(two_scaled_activations(largest * tenths / 10, shift, kBits), kBits, 8));
      }
    }
    return candidates;
  });
}

TEST_CASE("searches of methods: ptq4vit's twin steps are the best of all splits and ranges") {
  Searched f;
  const Plan plan = f.plan("ptq4vit");
  std::vector<TableScheme> probabilities;
  for (int split = 0; split < 12; ++split) probabilities.push_back(twin_uniform_probabilities(split, kBits));
  check_softmax(f, plan, probabilities, false);
  check_fc2(f, plan, [](double largest) {
    std::vector<ActivationScheme> candidates;
    for (int i = 1; i <= 40; ++i) {
      candidates.push_back(table_scheme(twin_uniform_activations(1.2 * largest * i / 40, kBits), kBits, 8));
    }
    return candidates;
  });
}

TEST_CASE("searches of methods: dopq's tangents are the best of the grid in every head") {
  Searched f;
  std::vector<TableScheme> tables;
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 11; ++j) tables.push_back(tan_table({1.2 + 0.04 * i, 0.14 * j}, kBits));
  }
  check_softmax(f, f.plan("dopq"), tables, true);
}

TEST_CASE("searches of methods: percentile and repq take the best percentile of what was seen") {
  Searched f;
  const Plan percentile = f.plan("percentile"), repq = f.plan("repq");
  for (const SegmentSamples& samples : f.blocks) {
    for (const char* part : {"attn.qkv.input", "attn.query", "attn.proj.input", "mlp.fc2.input"}) {
      const std::string name = f.name(samples, part);
      const auto& histograms = f.statistics.at(tensor_of(f.network, name));
      for (std::size_t i = 0; i < histograms.size(); ++i) {
        const Histogram& histogram = histograms[i];
        const UniformScheme& chosen = percentile.activations.at(name)[i].grid;
        for (const double p : {1.0, 0.99999, 0.9999, 0.999}) {
          const UniformScheme one = uniform_scheme(histogram.quantile(1 - p), histogram.quantile(p), kBits);
          CHECK(squared_error(histogram, chosen) <= kMethodRounding * squared_error(histogram, one));
        }
      }
    }
    const Histogram probabilities = histogram_of(f.at(samples, "attn.post_softmax"));
    const TableScheme& table = repq.softmax.at(f.name(samples, "attn.post_softmax")).tables[0];
    for (const double p : {1.0, 0.99999, 0.9999, 0.999}) {
      const TableScheme one = logarithmic_table(LogarithmBase::square_root_of_two, probabilities.quantile(p), kBits);
      CHECK(squared_error(probabilities, table) <= kMethodRounding * squared_error(probabilities, one));
    }
  }
}
