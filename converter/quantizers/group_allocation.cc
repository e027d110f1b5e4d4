#include "converter/quantizers/group_allocation.h"

#include <algorithm>
#include <cmath>

namespace intvit {
namespace {

const GroupChoice& at(const std::vector<std::vector<GroupChoice>>& choices, const std::vector<int>& chosen,
                      std::size_t layer) {
  return choices[layer][static_cast<std::size_t>(chosen[layer])];
}

// Every layer by itself: least perturbation + price * bit operations, the cheaper one of equals.
std::vector<int> at_price(const std::vector<std::vector<GroupChoice>>& choices, double price) {
  std::vector<int> chosen(choices.size(), 0);
  for (std::size_t l = 0; l < choices.size(); ++l) {
    const auto cost = [&](const GroupChoice& c) { return c.perturbation + price * c.bit_operations; };
    for (std::size_t i = 1; i < choices[l].size(); ++i) {
      if (cost(choices[l][i]) < cost(at(choices, chosen, l))) chosen[l] = static_cast<int>(i);
    }
  }
  return chosen;
}

// What the sweep leaves unspent: the affordable change of one layer that gains most, as long as there is one.
void spend_rest(const std::vector<std::vector<GroupChoice>>& choices, double budget, std::vector<int>& chosen) {
  for (;;) {
    double left = budget - total_bit_operations(choices, chosen), most = 0;
    std::size_t layer = 0;
    int choice = -1;
    for (std::size_t l = 0; l < choices.size(); ++l) {
      for (std::size_t i = 0; i < choices[l].size(); ++i) {
        const double gain = at(choices, chosen, l).perturbation - choices[l][i].perturbation;
        const double price = choices[l][i].bit_operations - at(choices, chosen, l).bit_operations;
        if (price <= left && gain > most) {
          most = gain;
          layer = l;
          choice = static_cast<int>(i);
        }
      }
    }
    if (choice < 0) return;
    chosen[layer] = choice;
  }
}

}  // namespace

double bit_operations(int rows, int inputs, int outputs, int weight_bits, int activation_bits, int groups) {
  const double n = rows, c = inputs, d = outputs, g = groups;
  const double products = n * c * d * weight_bits * activation_bits;
  const double rescaling = g * n * d * 32 * 32;
  const double assignment = 2 * n * c * 16 + 2 * c * g * 16 * 16;
  return products + rescaling + assignment;
}

double total_perturbation(const std::vector<std::vector<GroupChoice>>& choices, const std::vector<int>& chosen) {
  double sum = 0;
  for (std::size_t l = 0; l < choices.size(); ++l) sum += at(choices, chosen, l).perturbation;
  return sum;
}

double total_bit_operations(const std::vector<std::vector<GroupChoice>>& choices, const std::vector<int>& chosen) {
  double sum = 0;
  for (std::size_t l = 0; l < choices.size(); ++l) sum += at(choices, chosen, l).bit_operations;
  return sum;
}

std::vector<int> allocate_groups(const std::vector<std::vector<GroupChoice>>& choices, double budget) {
  const auto affordable = [&](const std::vector<int>& chosen) {
    return total_bit_operations(choices, chosen) <= budget;
  };
  std::vector<int> best(choices.size(), 0);
  if (!affordable(best)) return best;
  double least = total_perturbation(choices, best);
  const auto consider = [&](std::vector<int> chosen) {
    if (!affordable(chosen)) return;
    spend_rest(choices, budget, chosen);
    const double perturbation = total_perturbation(choices, chosen);
    if (perturbation >= least) return;
    least = perturbation;
    best = std::move(chosen);
  };
  // The same number for all is one way too; nothing here may be worse.
  std::size_t fewest = choices.empty() ? 0 : choices[0].size();
  for (const std::vector<GroupChoice>& layer : choices) fewest = std::min(fewest, layer.size());
  for (std::size_t i = 0; i < fewest; ++i) consider(std::vector<int>(choices.size(), static_cast<int>(i)));
  // Prices from "everything is free" to "nothing is worth it". The only ones at which a choice changes are exchange
  // rates between two choices of a layer.
  std::vector<double> prices = {0};
  for (const std::vector<GroupChoice>& layer : choices) {
    for (const GroupChoice& a : layer) {
      for (const GroupChoice& b : layer) {
        const double more = b.bit_operations - a.bit_operations, gain = a.perturbation - b.perturbation;
        if (more > 0 && gain > 0) prices.push_back(gain / more);
      }
    }
  }
  std::sort(prices.begin(), prices.end());
  for (const double price : prices) consider(at_price(choices, price));
  return best;
}

}  // namespace intvit
