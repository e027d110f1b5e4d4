// tsptq: TSPTQ-ViT (Tai et al., ICASSP 2023), which quantizes everything: two step sizes by value for softmax and GELU
// outputs (V-2SF), two step sizes by channel for the residual stream in front of every LayerNorm (O-2SF); clipping by
// output error elsewhere. The parameters are those with the least error behind the next operation.
#include <algorithm>
#include <map>
#include <set>

#include "converter/errors/sample_rows.h"
#include "converter/lower/check_plan.h"
#include "converter/methods/by_output_error.h"
#include "converter/methods/uniform.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/two_scaled_residual.h"

namespace intvit {
namespace {

constexpr int kMostShift = 8;
constexpr int kResidualRows = 256;

// Largest values of GELU that are tried, as shares of the largest that was seen.
constexpr double kShares[] = {1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3};

std::vector<ActivationScheme> activation_candidates(double largest, int bits, int value_bits) {
  std::vector<ActivationScheme> candidates;
  for (const double share : kShares) {
    for (int shift = 0; shift <= std::min(kMostShift, bits); ++shift) {
      candidates.push_back(table_scheme(two_scaled_activations(share * largest, shift, bits), bits, value_bits));
    }
  }
  return candidates;
}

// A LayerNorm behind a residual tensor, and the rows of that which it is about.
struct NormBehind {
  const LayerNorm* norm = nullptr;  // null: none reads it
  int first_row = 0;
  int rows = 0;
};

// Whether a linear layer reads a LayerNorm's output, or its mean.
bool leads_to_linear(const FloatNetwork& network, TensorId id) {
  if (network.at(id).role == Role::linear_input) return true;
  const std::vector<int> readers = network.readers(id);
  return std::any_of(readers.begin(), readers.end(), [&](int n) {
    const Node& node = network.node(n);
    return node.as<MeanRows>() != nullptr && leads_to_linear(network, node.outputs[0]);
  });
}

// Of several LayerNorms the first that leads to a linear layer; not one for the network's user, if there is another.
// One of a mean is about all rows.
NormBehind norm_behind(const FloatNetwork& network, TensorId stream) {
  NormBehind found;
  bool leads = false;
  const auto consider = [&](const Node& node, int first_row, int rows) {
    const auto* norm = node.as<LayerNorm>();
    if (norm == nullptr || leads) return;
    leads = leads_to_linear(network, node.outputs[0]);
    if (found.norm == nullptr || leads) found = {norm, first_row, rows};
  };
  for (const int n : network.readers(stream)) {
    const Node& node = network.node(n);
    if (const auto* norm = node.as<LayerNorm>()) consider(node, norm->first_row, network.at(node.outputs[0]).rows);
    if (node.as<MeanRows>() == nullptr) continue;
    for (const int behind : network.readers(node.outputs[0])) {
      consider(network.node(behind), 0, network.at(stream).rows);
    }
  }
  return found;
}

// Sample rows of those that the LayerNorm is about. All of them where they are few, as the class tokens are.
std::vector<float> rows_behind(const NormBehind& behind, const TensorSamples& stream) {
  if (behind.rows == stream.rows) return sample_rows(stream, kResidualRows);
  TensorSamples read{behind.rows, stream.cols, {}};
  std::vector<float> all;
  for (const std::vector<float>& picture : stream.pictures) {
    const auto first = picture.begin() + static_cast<std::ptrdiff_t>(behind.first_row) * stream.cols;
    read.pictures.emplace_back(first, first + static_cast<std::ptrdiff_t>(behind.rows) * stream.cols);
    all.insert(all.end(), read.pictures.back().begin(), read.pictures.back().end());
  }
  return 2 * behind.rows < stream.rows ? all : sample_rows(read, kResidualRows);
}

class Tsptq : public Planner {
 public:
  explicit Tsptq(const MethodInput& input) : Planner(input, percentile_plan(input)) {
    for (const Stream& stream : streams_of(input.network)) {
      for (const TensorId id : stream.tensors) search_of_[id] = searches_.size();
      const auto magnitude = plan_.magnitudes.find(input.network.at(stream.tensors.front()).name);
      searches_.emplace_back(magnitude == plan_.magnitudes.end() ? plan_.residual_magnitude : magnitude->second,
                             static_cast<int>(input.knobs.get("residual_bits")), input.run.threads);
    }
    for (int shift = 0; shift <= kMostShift; ++shift) {
      probabilities_.push_back(two_scaled_probabilities(shift, input.activation_bits));
    }
  }

  void see(SampledSegment& segment) override {
    const auto candidates = [&](double largest) {
      return activation_candidates(largest, input_.activation_bits, value_bits(input_));
    };
    choose_by_output_error(input_, segment, probabilities_, candidates, plan_);
    see_streams(segment);
  }

  Status finish() override {
    plan_.residuals.clear();
    for (const ResidualSearch& search : searches_) plan_.residuals.merge(search.best());
    return {};
  }

 private:
  // The segment's own residuals, and those in front of it that no segment before it had.
  void see_streams(const SampledSegment& segment) {
    for (const auto& [id, stream] : segment.samples.tensors) {
      if (segment.network.at(id).role != Role::residual || !seen_.insert(id).second) continue;
      const NormBehind behind = norm_behind(segment.network, id);
      if (behind.norm == nullptr || !can_have_steps(segment.network, id)) continue;
      searches_[search_of_.at(id)].add(segment.name(id), channel_magnitudes(stream), rows_behind(behind, stream),
                                       behind.norm->norm, behind.norm->eps);
    }
  }

  std::vector<ResidualSearch> searches_;  // one per stream
  std::map<TensorId, std::size_t> search_of_;
  std::set<TensorId> seen_;
  std::vector<TableScheme> probabilities_;
};

}  // namespace

std::unique_ptr<Planner> start_tsptq(const MethodInput& input) { return std::make_unique<Tsptq>(input); }

}  // namespace intvit
