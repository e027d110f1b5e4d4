// Compiles a float network and a plan into a program of integer operations: quantizes the weights, folds every scale,
// zero point, mean and standard deviation into integer constants, and plans the memory.
#pragma once

#include <deque>
#include <vector>

#include "converter/graph/network.h"
#include "converter/plan/plan.h"
#include "converter/weights/quantize.h"
#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

// A program with the constants that it points into.
struct LoweredModel {
  Program program;
  std::deque<std::vector<std::uint8_t>> storage;
};

// Of a network that check_network() has passed. Layers that `rounded` lacks are rounded to nearest.
// invalid_argument if the plan lacks a tensor or a layer or does not fit the network; unsupported if the network or a
// scale cannot be expressed in the engine's operations.
Result<LoweredModel> lower(const FloatNetwork& network, const Plan& plan, RoundedLayers rounded = {});

}  // namespace intvit
