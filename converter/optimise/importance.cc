#include "converter/optimise/importance.h"

#include <cmath>

#include "converter/float/for_each_in_order.h"
#include "converter/optimise/random_places.h"
#include "converter/optimise/tape.h"

namespace intvit {
namespace {

void normalise(std::vector<double>& squares, double exponent, std::vector<float>& result) {
  double mean = 0;
  for (double& x : squares) {
    x = std::pow(x, exponent);
    mean += x / static_cast<double>(squares.size());
  }
  result.resize(squares.size());
  for (std::size_t i = 0; i < squares.size(); ++i) {
    result[i] = mean > 0 ? static_cast<float>(squares[i] / mean) : 1.0f;
  }
}

}  // namespace

Importance importance_of(const FloatNetwork& network, int begin, const std::vector<TensorId>& tensors,
                         const std::vector<const LiveTensors*>& states, double exponent, std::uint64_t seed,
                         int threads) {
  const NodeRange range{begin, static_cast<int>(network.nodes.size())};
  const NetworkOutput& output = network.outputs[network.judged_output()];
  const int count = static_cast<int>(states.size());
  std::map<TensorId, std::vector<double>> squares;
  for (const TensorId id : tensors) squares[id].resize(area(network.at(id).rows, network.at(id).columns));
  std::vector<Tape> tapes(static_cast<std::size_t>(workers_for(count, threads)), Tape(network, range));
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) {
      Tape& tape = tapes[static_cast<std::size_t>(worker)];
      for (const auto& [id, rows] : *states[static_cast<std::size_t>(i)]) tape.value(id) = rows;
      tape.forward(nullptr);
      tape.begin_backward();
      const int columns = network.at(output.tensor).columns;
      std::vector<float>& gradient = tape.gradient(output.tensor);
      for (std::size_t at = area(output.first_row, columns); at < area(output.first_row + output.rows, columns); ++at) {
        gradient[at] = (random_at(random_at(seed + static_cast<std::uint64_t>(i)) + at) & 1) != 0 ? 1.0f : -1.0f;
      }
      Gradients none;
      tape.backward(nullptr, none);
      LiveTensors gradients;
      for (const auto& [id, sums] : squares) gradients[id] = tape.gradient(id);
      return gradients;
    };
  };
  static_cast<void>(for_each_in_order(count, threads, make_worker, [&](int, const LiveTensors& gradients) {
    for (auto& [id, sums] : squares) {
      const std::vector<float>& from = gradients.at(id);  // empty where nothing learned is in front of it
      for (std::size_t i = 0; i < from.size(); ++i) sums[i] += double{from[i]} * from[i];
    }
    return Status();
  }));
  Importance importance;
  for (auto& [id, sums] : squares) normalise(sums, exponent, importance[id]);
  return importance;
}

}  // namespace intvit
