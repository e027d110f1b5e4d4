// A picture size that a network is built for instead of its own.
#pragma once

namespace intvit {

// In pixels; 0: the network's own.
struct InputSize {
  int height = 0;
  int width = 0;

  bool given() const { return height > 0 && width > 0; }
};

}  // namespace intvit
