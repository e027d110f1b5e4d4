#include "converter/equalise/heads.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "converter/equalise/fold.h"
#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/observe/attention_samples.h"
#include "converter/observe/segment_samples.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

// Pictures that are looked at; more change no choice.
constexpr int kPictures = 8;

class FirstPictures : public PictureSource {
 public:
  explicit FirstPictures(PictureSource& all) : all_(all) {}
  int count() const override { return std::min(all_.count(), kPictures); }
  Status read(int index, std::uint8_t* pixels) override { return all_.read(index, pixels); }

 private:
  PictureSource& all_;
};

using Matrix = std::vector<float>;  // rows x D of one head, all pictures one after another

Matrix head_of(const TensorSamples& samples, int head, int head_dim) {
  Matrix out;
  for (const std::vector<float>& picture : samples.pictures) {
    for (int r = 0; r < samples.rows; ++r) {
      const float* row = picture.data() + static_cast<std::ptrdiff_t>(r) * samples.cols + head * head_dim;
      out.insert(out.end(), row, row + head_dim);
    }
  }
  return out;
}

std::vector<double> channel_ranges(const Matrix& x, int head_dim) {
  std::vector<double> low(static_cast<std::size_t>(head_dim), 0), range = low;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(head_dim);
    low[c] = std::min<double>(low[c], x[i]);
    range[c] = std::max<double>(range[c], x[i]);
  }
  for (std::size_t c = 0; c < range.size(); ++c) range[c] = std::max(range[c] - low[c], 1e-6);
  return range;
}

// Columns scaled by `factor`, then rotated.
Matrix transformed(Matrix x, const std::vector<double>& factor, bool rotate) {
  const auto d = factor.size();
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] * factor[i % d]);
  if (rotate) {
    for (std::size_t row = 0; row < x.size(); row += d) hadamard(x.data() + row, static_cast<int>(d));
  }
  return x;
}

Matrix quantized(const Matrix& x, const UniformScheme& scheme, int head_dim) {
  Matrix out = x;
  simulate(uniform(scheme), out.data(), static_cast<int>(x.size() / static_cast<std::size_t>(head_dim)), head_dim,
           head_dim);
  return out;
}

std::vector<double> power(const std::vector<double>& x, double exponent) {
  std::vector<double> out;
  for (const double value : x) out.push_back(std::pow(value, exponent));
  return out;
}

// Brings the mean of the logarithms to zero, so that scales say nothing of the tensor as a whole.
void normalise(std::vector<double>& scales) {
  double mean = 0;
  for (const double s : scales) mean += std::log(s) / static_cast<double>(scales.size());
  for (double& s : scales) s /= std::exp(mean);
}

bool can_rotate(int n) { return std::has_single_bit(static_cast<unsigned>(n)); }

struct Choice {
  std::vector<double> scale;  // of query, or of value
  bool rotate = false;
};

class AttentionEqualiser {
 public:
  AttentionEqualiser(const FloatNetwork& network, const Node& attention, const SegmentSamples& samples, int bits)
      : windows_(attention.as<Attention>()->windows ? in_windows(network, attention, samples) : AttentionSamples()),
        query_(of(attention, samples, attention.inputs[0], windows_.query)),
        key_(of(attention, samples, attention.inputs[1], windows_.key)),
        value_(of(attention, samples, attention.inputs[2], windows_.value)),
        probabilities_(of(attention, samples, attention.outputs[0], windows_.probabilities)),
        attended_(of(attention, samples, attention.outputs[1], windows_.attended)),
        bits_(bits),
        heads_(network.at(attention.inputs[0]).heads),
        dim_(query_.cols / heads_),
        value_dim_(value_.cols / heads_),
        queries_(query_.rows),
        keys_(key_.rows) {
    const int behind = network.linear_behind(attention.outputs[1]);
    proj_ = network.node(behind).weights();
  }

  Choice query(int head) const {
    const Matrix q = head_of(query_, head, dim_), k = head_of(key_, head, dim_);
    const std::vector<double> range_q = channel_ranges(q, dim_), range_k = channel_ranges(k, dim_);
    Choice best;
    double least = std::numeric_limits<double>::infinity();
    for (const double a : {0.0, 0.5, 1.0}) {
      for (const double b : {0.0, 0.5, 1.0}) {
        std::vector<double> scale = power(range_q, a);
        for (std::size_t c = 0; c < scale.size(); ++c) scale[c] /= std::pow(range_k[c], b);
        normalise(scale);
        for (const bool rotate : {false, true}) {
          if (rotate && !can_rotate(dim_)) continue;
          const double error = score_error(head, q, k, {scale, rotate});
          if (error < least) {
            least = error;
            best = {scale, rotate};
          }
        }
      }
    }
    return best;
  }

  // For all heads together, since the attention's output has one quantizer.
  std::vector<Choice> value(int threads) const {
    std::vector<std::vector<Choice>> candidates;
    for (const double a : {0.0, 0.5, 0.75, 1.0}) {
      for (const bool rotate : {false, true}) {
        if (rotate && !can_rotate(value_dim_)) continue;
        std::vector<Choice> heads;
        for (int h = 0; h < heads_; ++h) {
          heads.push_back({power(channel_ranges(head_of(value_, h, value_dim_), value_dim_), a), rotate});
        }
        candidates.push_back(std::move(heads));
      }
    }
    std::vector<double> errors(candidates.size());
    parallel_for(threads, static_cast<int>(candidates.size()), [&](int i) {
      errors[static_cast<std::size_t>(i)] = output_error(candidates[static_cast<std::size_t>(i)]);
    });
    const auto best = std::min_element(errors.begin(), errors.end()) - errors.begin();
    return candidates[static_cast<std::size_t>(best)];
  }

 private:
  static const TensorSamples& of(const Node& attention, const SegmentSamples& samples, TensorId id,
                                 const TensorSamples& in_windows) {
    return attention.as<Attention>()->windows ? in_windows : samples.at(id);
  }

  double score_error(int head, const Matrix& q, const Matrix& k, const Choice& choice) const {
    const Matrix tq = transformed(q, power(choice.scale, -1), choice.rotate);
    const Matrix tk = transformed(k, choice.scale, choice.rotate);
    const Matrix hq = quantized(tq, percentile_scheme(tq, bits_), dim_);
    const Matrix hk = quantized(tk, percentile_scheme(tk, bits_), dim_);
    const auto area = static_cast<std::size_t>(queries_) * static_cast<std::size_t>(keys_);
    Matrix exact(area), changed(area);
    double error = 0;
    for (std::size_t p = 0; p < query_.pictures.size(); ++p) {
      const std::ptrdiff_t of_query = static_cast<std::ptrdiff_t>(p) * queries_ * dim_;
      const std::ptrdiff_t of_key = static_cast<std::ptrdiff_t>(p) * keys_ * dim_;
      const OneThreadPerTask pinned;
      multiply({q.data() + of_query, dim_}, {k.data() + of_key, dim_}, true, 1, false, queries_, keys_, dim_,
               exact.data(), keys_);
      multiply({hq.data() + of_query, dim_}, {hk.data() + of_key, dim_}, true, 1, false, queries_, keys_, dim_,
               changed.data(), keys_);
      const float* probabilities =
          probabilities_.pictures[p].data() + static_cast<std::ptrdiff_t>(head) * static_cast<std::ptrdiff_t>(area);
      for (int i = 0; i < queries_; ++i) {
        double mean = 0, square = 0;
        for (int j = 0; j < keys_; ++j) {
          const std::ptrdiff_t e = static_cast<std::ptrdiff_t>(i) * keys_ + j;
          const double difference = changed[static_cast<std::size_t>(e)] - exact[static_cast<std::size_t>(e)];
          mean += probabilities[e] * difference;
          square += probabilities[e] * difference * difference;
        }
        error += square - mean * mean;
      }
    }
    return error;
  }

  double output_error(const std::vector<Choice>& heads) const {
    const int channels = value_.cols;
    const std::size_t pictures = value_.pictures.size();
    const std::size_t rows = pictures * static_cast<std::size_t>(queries_);
    // The attention's output in the new coordinates, all heads side by side, exact and as it becomes; and the proj
    // layer in those coordinates.
    Matrix exact(rows * static_cast<std::size_t>(channels)), changed(exact.size());
    FloatLinear proj = *proj_;
    for (int h = 0; h < heads_; ++h) {
      const Choice& choice = heads[static_cast<std::size_t>(h)];
      const std::vector<double> inverse = power(choice.scale, -1);
      const Matrix v = transformed(head_of(value_, h, value_dim_), inverse, choice.rotate);
      const Matrix out = transformed(head_of(attended_, h, value_dim_), inverse, choice.rotate);
      const Matrix coded = quantized(v, percentile_scheme(v, bits_), value_dim_);
      Matrix attended(static_cast<std::size_t>(queries_) * static_cast<std::size_t>(value_dim_));
      for (std::size_t p = 0; p < pictures; ++p) {
        const float* probabilities =
            probabilities_.pictures[p].data() + static_cast<std::ptrdiff_t>(h) * queries_ * keys_;
        const float* values = coded.data() + static_cast<std::ptrdiff_t>(p) * keys_ * value_dim_;
        const OneThreadPerTask pinned;
        multiply({probabilities, keys_}, {values, value_dim_}, false, 1, false, queries_, value_dim_, keys_,
                 attended.data(), value_dim_);
        for (int t = 0; t < queries_; ++t) {
          const std::size_t row = p * static_cast<std::size_t>(queries_) + static_cast<std::size_t>(t);
          const std::size_t to = row * static_cast<std::size_t>(channels) + static_cast<std::size_t>(h * value_dim_);
          std::copy_n(&out[row * static_cast<std::size_t>(value_dim_)], value_dim_, &exact[to]);
          std::copy_n(&attended[static_cast<std::size_t>(t * value_dim_)], value_dim_, &changed[to]);
        }
      }
      change_columns(proj, h, choice);
    }
    changed = quantized(changed, percentile_scheme(changed, bits_), channels);
    for (std::size_t i = 0; i < exact.size(); ++i) changed[i] -= exact[i];
    // Of a layer that reads several rows as one, as many rows together.
    const int joined = static_cast<int>(rows) / (proj.in / channels);
    Matrix error(static_cast<std::size_t>(joined) * static_cast<std::size_t>(proj.out));
    const OneThreadPerTask pinned;
    multiply({changed.data(), proj.in}, {proj.weight.data(), proj.in}, true, 1, false, joined, proj.out, proj.in,
             error.data(), proj.out);
    double sum = 0;
    for (const float e : error) sum += static_cast<double>(e) * e;
    return sum;
  }

  // The layer's weights for what a choice makes of one head.
  void change_columns(FloatLinear& layer, int head, const Choice& choice) const {
    for (std::size_t row = 0; row < layer.weight.size(); row += static_cast<std::size_t>(value_.cols)) {
      float* w = &layer.weight[row + static_cast<std::size_t>(head * value_dim_)];
      for (int c = 0; c < value_dim_; ++c) w[c] = static_cast<float>(w[c] * choice.scale[static_cast<std::size_t>(c)]);
      if (choice.rotate) hadamard(w, value_dim_);
    }
  }

  const AttentionSamples windows_;  // where there are some
  const TensorSamples &query_, &key_, &value_, &probabilities_, &attended_;
  const FloatLinear* proj_ = nullptr;
  const int bits_, heads_, dim_, value_dim_, queries_, keys_;
};

Equalisation joined(const std::vector<Choice>& heads) {
  Equalisation e;
  for (const Choice& head : heads) {
    e.scale.insert(e.scale.end(), head.scale.begin(), head.scale.end());
    e.rotate.push_back(head.rotate);
  }
  e.offset.assign(e.scale.size(), 0);
  return e;
}

}  // namespace

Result<std::map<std::string, Equalisation>> equalise_heads(const FloatNetwork& network, const PictureRun& run,
                                                           int activation_bits) {
  std::map<std::string, Equalisation> result;
  FirstPictures few(run.pictures);
  const auto equalise_attention = [&](const Node& node, const SegmentSamples& samples) {
    const AttentionEqualiser equaliser(network, node, samples, activation_bits);
    const TensorId query = node.inputs[0], value = node.inputs[2];
    if (can_equalise(network, query)) {
      const int heads = network.at(query).heads;
      std::vector<Choice> choices(static_cast<std::size_t>(heads));
      parallel_for(run.threads, heads, [&](int h) { choices[static_cast<std::size_t>(h)] = equaliser.query(h); });
      result[network.at(query).name] = joined(choices);
    }
    if (can_equalise(network, value)) result[network.at(value).name] = joined(equaliser.value(run.threads));
  };
  const Status status = for_each_segment(network, {few, run.threads, run.progress}, [&](const SegmentSamples& samples) {
    const Segment& segment = network.segment(samples.segment);
    for (int n = segment.begin; n < segment.end; ++n) {
      if (network.node(n).as<Attention>() != nullptr) equalise_attention(network.node(n), samples);
    }
  });
  if (!status.ok()) return status;
  return result;
}

}  // namespace intvit
