#include "tools/vitconvert/compare_models.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <span>

#include "engine/ops/linear_constants.h"
#include "engine/program/program.h"
#include "kernels/gemm/tiles.h"
#include "tools/common/cli/shown_text.h"
#include "tools/common/pictures/classify_in_order.h"
#include "tools/common/pictures/input_pictures.h"

namespace intvit {
namespace {

constexpr double kSame = 999;  // dB of no difference

// Integers of one output in units of its own scale, as far as the tiles go.
std::vector<double> column(const LinearConstants& l, const Program& program, int output) {
  std::vector<double> values(l.k);
  const int depth = static_cast<int>(l.k), bits = static_cast<int>(l.bits);
  for (int k = 0; k < depth; ++k) {
    values[static_cast<std::size_t>(k)] =
        bits == 8 ? program.constants[l.tiles].as<std::int8_t>()[kernels::tile_offset(output, k, depth)]
                  : kernels::stored_number(program.constants[l.tiles].as<std::uint8_t>(), bits, output, k, depth);
  }
  return values;
}

// The share of b's variance that no factor and offset of a explains.
double unexplained(const std::vector<double>& a, const std::vector<double>& b) {
  const auto count = static_cast<double>(a.size());
  double sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum_a += a[i], sum_b += b[i];
    aa += a[i] * a[i], bb += b[i] * b[i], ab += a[i] * b[i];
  }
  const double var_a = aa - sum_a * sum_a / count, var_b = bb - sum_b * sum_b / count;
  if (!(var_b > 0)) return 0;
  if (!(var_a > 0)) return 1;
  const double covariance = ab - sum_a * sum_b / count;
  return std::max(0.0, 1 - covariance * covariance / (var_a * var_b));
}

std::optional<double> weights_sqnr_db(const LinearConstants* a, const Program& pa, const LinearConstants* b,
                                      const Program& pb) {
  if (a == nullptr || b == nullptr || a->n != b->n || a->k != b->k || a->n == 0) return std::nullopt;
  double noise = 0;
  for (std::uint32_t n = 0; n < a->n; ++n) {
    noise += unexplained(column(*a, pa, static_cast<int>(n)), column(*b, pb, static_cast<int>(n)));
  }
  noise /= a->n;
  return noise > 1e-12 ? -10 * std::log10(noise) : kSame;
}

using Key = std::pair<std::string, std::string>;  // layer and operation

std::map<Key, std::vector<const Step*>> steps_of(const Program& program) {
  std::map<Key, std::vector<const Step*>> steps;
  for (const Step& step : program.steps) steps[{step.layer, std::string(step.op->name())}].push_back(&step);
  return steps;
}

LayerPair pair_of(const Key& key, const Program& pa, const Step* a, const Program& pb, const Step* b) {
  LayerPair pair{key.first, key.second, {}, {}, {}};
  const Program* programs[] = {&pa, &pb};
  const Step* steps[] = {a, b};
  const LinearConstants* weights[] = {nullptr, nullptr};
  for (int i = 0; i < 2; ++i) {
    if (steps[i] == nullptr) continue;
    pair.format[i] = steps[i]->op->describe(*programs[i]);
    weights[i] = steps[i]->op->weights();
    if (weights[i] != nullptr) pair.weight_bits[i] = static_cast<int>(weights[i]->bits);
  }
  pair.weights_db = weights_sqnr_db(weights[0], pa, weights[1], pb);
  return pair;
}

struct Sums {
  double signal = 0, noise = 0;
  double db() const { return noise > 0 ? 10 * std::log10(signal / noise) : kSame; }
};

class OnPictures {
 public:
  OnPictures(std::shared_ptr<const Model> a, std::shared_ptr<const Model> b) : a_(std::move(a)), b_(std::move(b)) {
    for (std::size_t i = 0; i < a_->outputs().size(); ++i) {
      const Port& port = a_->outputs()[i];
      const auto other = b_->output(port.name);
      if (other && shape_of(port) == shape_of(b_->outputs()[*other])) outputs_.push_back({port.name, i, *other, {}});
    }
  }

  // `as` and `bs` of the same pictures.
  void add(const std::vector<ClassifiedPicture>& as, const std::vector<ClassifiedPicture>& bs) {
    for (std::size_t i = 0; i < as.size(); ++i) {
      const Status& problem = as[i].status.ok() ? bs[i].status : as[i].status;
      if (!problem.ok()) {
        print_message("vitconvert", problem.message());
        ++result_.failed;
        continue;
      }
      ++result_.pictures;
      if (a_->classes() > 0 && a_->classes() == b_->classes()) agreeing_ += best(as[i].logits) == best(bs[i].logits);
      for (Output& output : outputs_) {
        const RealValues &x = as[i].outputs[output.in_a], &y = bs[i].outputs[output.in_b];
        for (std::size_t v = 0; v < x.size(); ++v) {
          output.sums.signal += double{x[v]} * x[v];
          output.sums.noise += (double{y[v]} - x[v]) * (double{y[v]} - x[v]);
        }
      }
    }
  }

  PictureComparison take() {
    if (a_->classes() > 0 && a_->classes() == b_->classes() && result_.pictures > 0) {
      result_.agreement = 100.0 * agreeing_ / result_.pictures;
    }
    for (const Output& output : outputs_) result_.output_db[output.name] = output.sums.db();
    return result_;
  }

 private:
  struct Output {
    std::string name;
    std::size_t in_a, in_b;
    Sums sums;
  };

  static std::ptrdiff_t best(const std::vector<std::int32_t>& logits) {
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  }

  std::shared_ptr<const Model> a_, b_;
  std::vector<Output> outputs_;
  PictureComparison result_;
  int agreeing_ = 0;
};

}  // namespace

std::vector<LayerPair> pair_layers(const Model& a, const Model& b) {
  const Program &pa = a.program(), &pb = b.program();
  const auto others = steps_of(pb);
  std::map<Key, std::size_t> used;
  std::vector<LayerPair> pairs;
  for (const Step& step : pa.steps) {
    const Key key = {step.layer, std::string(step.op->name())};
    const auto found = others.find(key);
    const std::size_t place = used[key]++;
    const bool both = found != others.end() && place < found->second.size();
    pairs.push_back(pair_of(key, pa, &step, pb, both ? found->second[place] : nullptr));
  }
  for (const Step& step : pb.steps) {
    const Key key = {step.layer, std::string(step.op->name())};
    std::size_t& place = used[key];
    if (place > 0) {
      --place;
      continue;
    }
    pairs.push_back(pair_of(key, pa, nullptr, pb, &step));
  }
  return pairs;
}

Result<PictureComparison> compare_on_pictures(const std::shared_ptr<const Model>& a,
                                              const std::shared_ptr<const Model>& b,
                                              const std::vector<std::string>& pictures, int threads,
                                              const PictureOptions& reading) {
  constexpr std::size_t kAtOnce = 32;  // whose outputs are kept
  const Result<std::vector<InputPicture>> expanded = expand_inputs(pictures, std::cin);
  if (!expanded.ok()) return expanded.status();
  const std::vector<InputPicture>& inputs = expanded.value();
  OnPictures sums(a, b);
  for (std::size_t first = 0; first < inputs.size(); first += kAtOnce) {
    const std::span<const InputPicture> some =
        std::span(inputs).subspan(first, std::min(kAtOnce, inputs.size() - first));
    std::vector<ClassifiedPicture> seen[2];
    for (int i = 0; i < 2; ++i) {
      const auto keep = [&](std::size_t, const ClassifiedPicture& picture) { seen[i].push_back(picture); };
      const Result<Workers> workers = classify_in_order(i == 0 ? a : b, best_isa(), threads, some, keep, true, reading);
      if (!workers.ok()) return workers.status();
    }
    sums.add(seen[0], seen[1]);
  }
  return sums.take();
}

}  // namespace intvit
