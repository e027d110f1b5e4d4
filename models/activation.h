// The activation functions of the networks.
#pragma once

namespace intvit {

enum class Activation { gelu_erf, gelu_tanh, quick_gelu, relu, silu };

}  // namespace intvit
