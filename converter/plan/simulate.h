// What schemes mean, in floats: activations are replaced by the values that their codes stand for. Everything that
// chooses or corrects quantizers works on what these functions return, and the lowered integers are tested against
// them.
#pragma once

#include "converter/float/observer.h"
#include "converter/graph/network.h"
#include "converter/plan/plan.h"

namespace intvit {

// The nearest of a uniform scheme's values.
double simulate(double x, const UniformScheme& scheme);

// rows x cols values of one picture, in place; the rows are `stride` apart. For kinds with a scheme per token, rows
// must not exceed parts.size().
void simulate(const ActivationScheme& scheme, float* data, int rows, int cols, int stride);

// x' = x / scale - offset of rows of x, which are as long as the equalisation.
std::vector<float> equalised(const std::vector<float>& rows, const Equalisation& e);

// rows x cols probabilities of one head, in place.
void simulate(const SoftmaxScheme& scheme, int head, float* data, int rows, int cols);

// rows x cols of the residual stream, in place.
void simulate(const ResidualScheme& scheme, float* data, int rows, int cols);

// The group of a channel (of a row) whose values span [low, high] (whose largest value is `high`).
int nearest_part(const std::vector<UniformScheme>& parts, double low, double high);
int nearest_bound(const std::vector<double>& bounds, double largest);

// Puts a plan's schemes on every tensor that the plan has one for.
class PlanSimulator : public Observer {
 public:
  // Both are kept by reference.
  PlanSimulator(const FloatNetwork& network, const Plan& plan, int threads)
      : network_(network), plan_(plan), threads_(threads) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override;

 private:
  const FloatNetwork& network_;
  const Plan& plan_;
  const int threads_;
};

}  // namespace intvit
