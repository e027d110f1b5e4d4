// Making query, key, value and the attention's output easier to quantize, at no cost at run time: per head, channels
// are scaled, and rotated by a Hadamard matrix where that helps, such that the network stays the same function
// (converter/equalise/fold.h). query is scaled by 1/s and key by s; value by 1/s, which proj undoes.
//   query, key: scores change by dS; the softmax of a row with probabilities P changes, to first order, by the variance
//   of dS under P, which is what the choice minimises.
//   value, attention output: the choice minimises |W (A V - A^ V^)|^2 of both quantizers.
// Candidates: s_c = range(q_c)^a / range(k_c)^b, s_c = range(v_c)^a, each with and without the rotation (of which
// QuaRot, Ashkboos et al., NeurIPS 2024, showed what it does to outliers), and leaving all as it is.
// For codes of fewer than 8 bits; with 8 there is nothing to gain.
#pragma once

#include <map>
#include <string>

#include "converter/graph/network.h"
#include "converter/observe/picture_run.h"
#include "converter/plan/scheme.h"

namespace intvit {

// By name of query and value, of every attention in a sampled segment. Deterministic for any number of threads.
Result<std::map<std::string, Equalisation>> equalise_heads(const FloatNetwork& network, const PictureRun& run,
                                                           int activation_bits);

}  // namespace intvit
