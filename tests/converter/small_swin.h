// A Swin with random weights for tests.
#pragma once

#include <doctest/doctest.h>

#include "converter/families/swin/build_swin.h"
#include "converter/families/swin/random_swin.h"

namespace intvit {

// Three stages with windows of 4, version 2: norms behind the layers, queries and keys of length one.
inline FloatNetwork small_swin_v2(int height, int width) {
  SwinDescription swin;
  swin.architecture = "small";
  swin.version = 2;
  swin.embed_dim = 12;
  swin.stages = {{2, 2, 4}, {2, 3, 4}, {1, 4, 4}};
  swin.mlp_ratio = 2;
  swin.num_classes = 7;
  swin.preprocessing.height = height;
  swin.preprocessing.width = width;
  Result<FloatNetwork> network = build_swin(random_swin_weights(swin, 11), {});
  REQUIRE_MESSAGE(network.ok(), network.status().message());
  return network.take();
}

}  // namespace intvit
