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
#include "converter/families/vit/random_vit.h"
#include "converter/methods/auto/collect_candidates.h"
#include "converter/methods/method.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kSearchedPictures = 4, kBits = 4, kHeads = 3;
constexpr double kMethodRounding = 1 + 1e-4;  // of errors that are summed in another order

// Attention that looks at few tokens in the second block, and at all of them in the first.
FloatNetwork searched_network() {
  FloatNetwork network = random_network(small_vit(), 51);
  FloatLinear& qkv = linear_of(network, "blocks.1.attn.qkv");
  const auto channels = static_cast<std::size_t>(qkv.in);
  for (std::size_t i = 0; i < channels * channels; ++i) qkv.weight[i] *= 4;
  norm_of(network, "blocks.0.norm1").gamma[7] *= 8;
  norm_of(network, "blocks.1.norm2").gamma[9] *= 8;
  return network;
}

// Every token has its own large channel, the larger the later it comes: what else it holds is then the smaller.
FloatNetwork network_of_uneven_tokens() {
  FloatNetwork network = random_network(small_vit(), 52);
  const VitDescription vit = small_vit();
  const auto channels = static_cast<std::size_t>(vit.embed_dim);
  for (std::size_t t = 0; t < static_cast<std::size_t>(vit.tokens()); ++t) {
    token_init_of(network)[t * channels + 2 * t] += 2 * static_cast<float>(t);
  }
  return network;
}

Histogram histogram_of(const TensorSamples& samples) {
  Histogram histogram;
  for (const std::vector<float>& picture : samples.pictures) histogram.add(picture.data(), picture.size());
  return histogram;
}

struct Fixture {
  FloatNetwork network;
  SyntheticPictures pictures{kSearchedPictures, 32, 40, 61};
  CalibrationStatistics statistics{network};
  std::vector<SegmentSamples> blocks;

  explicit Fixture(FloatNetwork made = searched_network()) : network(std::move(made)) {
    Result<Calibration> calibration = calibrate(network, {pictures, 1, kSilent});
    REQUIRE(calibration.ok());
    statistics = std::move(calibration.take().statistics);
    REQUIRE(
        for_each_segment(network, {pictures, 1, kSilent}, [&](const SegmentSamples& s) { blocks.push_back(s); }).ok());
  }

  Plan plan(const char* name, const std::vector<std::string>& settings = {}) {
    const Result<Method> method = find_method(name);
    REQUIRE(method.ok());
    const Knobs knobs = Knobs::with(name, settings).take();
    Result<Plan> plan = make_plan(method.value(), {network, statistics, kBits, kBits, {pictures, 1, kSilent}, knobs});
    REQUIRE(plan.ok());
    return plan.take();
  }

  // Of a block, e.g. `attn.query` or `mlp.fc1`.
  std::string name(const SegmentSamples& samples, const std::string& part) const {
    return network.segment(samples.segment).name + "." + part;
  }
  const TensorSamples& at(const SegmentSamples& samples, const std::string& part) const {
    return samples.at(tensor_of(network, name(samples, part)));
  }
  const FloatLinear& layer(const SegmentSamples& samples, const std::string& part) const {
    return linear_of(network, name(samples, part));
  }
};

// |A V - A^ V|^2 of one head, over all rows.
double attention_error(const Fixture& f, const SegmentSamples& samples, const SoftmaxScheme& scheme, int head) {
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

SoftmaxScheme with_table(SoftmaxScheme scheme, const TableScheme& table) {
  scheme.tables = {table};
  return scheme;
}

double largest_probability(const Fixture& f, const SegmentSamples& samples) {
  float largest = 0;
  for (const auto& picture : f.at(samples, "attn.post_softmax").pictures) {
    largest = std::max(largest, *std::max_element(picture.begin(), picture.end()));
  }
  return largest;
}

// No table of `candidates` is better for all heads together by AttentionError, which tsptq, ptq4vit and dopq minimise.
void check_softmax(Fixture& f, const Plan& plan, const std::vector<TableScheme>& candidates, bool per_head) {
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

void check_fc2(Fixture& f, const Plan& plan, const std::function<std::vector<ActivationScheme>(double)>& candidates) {
  for (const SegmentSamples& samples : f.blocks) {
    const ChannelError error(f.at(samples, "mlp.fc2.input"), 0, column_powers(f.layer(samples, "mlp.fc2")), false);
    const double ours = error.of(plan.activations.at(f.name(samples, "mlp.fc2.input"))[0]);
    const TensorId hidden = tensor_of(f.network, f.name(samples, "mlp.fc2.input"));
    for (const ActivationScheme& one : candidates(f.statistics.magnitude(hidden))) {
      CHECK(ours <= kMethodRounding * error.of(one));
    }
  }
}

const Equalisation* equalisation_at(const Plan& plan, const std::string& name) {
  const auto found = plan.equalisations.find(name);
  return found == plan.equalisations.end() ? nullptr : &found->second;
}

// What won anywhere.
struct Winners {
  std::set<CodeKind> kinds;
  bool equalised = false, relative = false;
};

// No contestant has less error than `chosen` at the linear layers of one block.
void check_sites(Fixture& f, const SegmentSamples& samples, const Plan& chosen, const std::vector<Plan>& plans,
                 Winners& winners) {
  for (const std::string layer : {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}) {
    const std::string name = f.name(samples, layer + ".input");
    CAPTURE(name);
    const TensorSamples& inputs = f.at(samples, layer + ".input");
    const ModuleError error(inputs, f.layer(samples, layer), kSearchedPictures);
    const ActivationScheme& ours = chosen.activations.at(name)[0];
    const double least = error.of(ours, equalisation_at(chosen, name));
    for (const Plan& plan : plans) {
      CHECK(least <= kMethodRounding * error.of(plan.activations.at(name)[0], equalisation_at(plan, name)));
    }
    std::vector<float> values;
    for (const auto& picture : inputs.pictures) values.insert(values.end(), picture.begin(), picture.end());
    CHECK(least <= kMethodRounding * error.of(table_scheme(least_square_levels(values, kBits), kBits, 8), nullptr));
    winners.kinds.insert(ours.kind);
    winners.equalised |= equalisation_at(chosen, name) != nullptr;
  }
}

// The same for the softmax of one block.
void check_softmax_site(Fixture& f, const SegmentSamples& samples, const Plan& chosen, const std::vector<Plan>& plans,
                        Winners& winners) {
  const std::string name = f.name(samples, "attn.post_softmax");
  const AttentionError error(f.at(samples, "attn.post_softmax"), f.at(samples, "attn.value"),
                             plans[2].activations.at(f.name(samples, "attn.value")),
                             column_powers(f.layer(samples, "attn.proj")), 1);
  const SoftmaxScheme relative{SoftmaxKind::relative, kBits, 8, {}, {1.0}};
  std::vector<SoftmaxScheme> rivals;
  for (std::size_t p = 1; p < plans.size(); ++p) rivals.push_back(plans[p].softmax.at(name));
  for (const LogarithmBase base : {LogarithmBase::two, LogarithmBase::square_root_of_two}) {
    rivals.push_back(with_table(relative, logarithmic_table(base, 1, kBits)));
  }
  for (const TanAngles& angles : tan_candidates()) rivals.push_back(with_table(relative, tan_table(angles, kBits)));
  const auto total = [&](const SoftmaxScheme& scheme) {
    double sum = 0;
    for (int head = 0; head < kHeads; ++head) sum += error.of(scheme, head);
    return sum;
  };
  for (const SoftmaxScheme& rival : rivals) CHECK(total(chosen.softmax.at(name)) <= kMethodRounding * total(rival));
  winners.relative |= chosen.softmax.at(name).codes == SoftmaxKind::relative;
}

}  // namespace

TEST_CASE("searches of methods: adfq's largest levels of probabilities are the best of sixteen in every head") {
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
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
  Fixture f;
  std::vector<TableScheme> tables;
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 11; ++j) tables.push_back(tan_table({1.2 + 0.04 * i, 0.14 * j}, kBits));
  }
  check_softmax(f, f.plan("dopq"), tables, true);
}

TEST_CASE("searches of methods: percentile and repq take the best percentile of what was seen") {
  Fixture f;
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

TEST_CASE("searches of methods: auto has at every site the least error of all methods, and of tables of its own") {
  Winners winners;
  for (const FloatNetwork& network :
       {searched_network(), random_network(small_vit(), 21), network_of_uneven_tokens()}) {
    Fixture f(network);
    const Plan chosen = f.plan("auto");
    std::vector<Plan> plans;
    for (const char* name : {"percentile", "repq", "dopq", "adfq"}) plans.push_back(f.plan(name));
    plans.push_back(f.plan("igq", {"allocation_pictures=0", "groups=10"}));
    for (const SegmentSamples& samples : f.blocks) {
      check_sites(f, samples, chosen, plans, winners);
      check_softmax_site(f, samples, chosen, plans, winners);
    }
  }
  for (const CodeKind kind : {CodeKind::token, CodeKind::channel_groups}) {
    CAPTURE(static_cast<int>(kind));
    CHECK(winners.kinds.contains(kind));
  }
  CHECK(winners.relative);
}

TEST_CASE("searches of methods: contests of auto have every contestant, and tables of its own") {
  Fixture f;
  const std::vector<Plan> plans = {f.plan("percentile"), f.plan("dopq")};
  const MethodInput input{f.network, f.statistics, kBits, kBits, {f.pictures, 1, kSilent}, Knobs("auto")};
  std::vector<Contest> contests;
  for (const SegmentSamples& samples : f.blocks) {
    SampledSegment segment(input, samples);
    collect_candidates(input, {{&plans[0], &plans[1]}, {0, 1}, false}, segment, contests);
  }
  CHECK(contests.size() == 2 * 5);
  double none_aside = 0, some_aside = 0;
  for (const Contest& contest : contests) {
    CAPTURE(contest.name);
    const bool softmax = std::holds_alternative<SoftmaxScheme>(contest.candidates[0].scheme);
    // Of softmax, percentile has exponential codes. Of others, two plans, two tables for each; tokens and two tables of
    // what is equalised, which LayerNorms' outputs are.
    const bool norm = contest.name.ends_with("qkv.input") || contest.name.ends_with("fc1.input");
    CHECK(contest.candidates.size() == (softmax ? 2u : norm ? 9u : 6u));
    for (const Candidate& candidate : contest.candidates) CHECK(candidate.error > 0);
    if (softmax) continue;
    // Levels of least square are better than even ones where nothing is equalised.
    CHECK(contest.candidates[2].error < contest.candidates[0].error);
    CHECK(std::get<ActivationScheme>(contest.candidates[3].scheme).outlier > 0);
    none_aside += contest.candidates[2].error;
    some_aside += contest.candidates[3].error;
    if (norm) CHECK(std::get<ActivationScheme>(contest.candidates[6].scheme).kind == CodeKind::token);
  }
  CHECK(some_aside < 0.9 * none_aside);
}
