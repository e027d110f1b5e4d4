// The float network over pictures that are in memory already, where nothing can fail.
#pragma once

#include "converter/float/for_each_in_order.h"
#include "converter/float/forward.h"

namespace intvit {

// Calls work(i, forward) for i in [0, count), in any order, on several threads; each has a FloatForward of its own.
template <typename Work>
void for_each_forward(const FloatNetwork& network, int count, int threads, const Work& work) {
  const auto make_worker = [&](int, int shared_by) {
    return [&, forward = FloatForward(network, shared_by)](int i) mutable -> Status {
      work(i, forward);
      return {};
    };
  };
  static_cast<void>(for_each_in_order(count, threads, make_worker));
}

}  // namespace intvit
