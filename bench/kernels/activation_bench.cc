// Activation functions of the converter's float network. Its vectors exist for scalar, avx2 and avx512vnni.
#include <memory>
#include <utility>
#include <vector>

#include "bench/kernels/benches.h"
#include "bench/kernels/buffer.h"
#include "converter/float/vectors/vector_functions.h"

namespace intvit::bench {
namespace {

constexpr int kElements = 16384;

}  // namespace

void add_float_activations(Suite& suite, Isa isa) {
  const VectorFunctions* functions = vector_functions(isa);
  if (functions == nullptr) return;
  suite.add_table({"float_activation",
                   "The converter's activation functions (elements)",
                   Unit::ns_per_element,
                   Show::rates,
                   {},
                   {"float"}});
  const std::pair<const char*, VectorFunctions::Map> maps[] = {{"GELU (erf)", functions->gelu_erf},
                                                               {"GELU (tanh)", functions->gelu_tanh},
                                                               {"quick GELU", functions->quick_gelu},
                                                               {"SiLU", functions->silu}};
  for (const auto& [name, map] : maps) {
    suite.add(name, "float", kElements, [map = map]() -> Result<Body> {
      const auto x = std::make_shared<std::vector<float>>(kElements),
                 y = std::make_shared<std::vector<float>>(kElements);
      test::Random random(6);
      for (float& value : *x) value = static_cast<float>(random.real(-4, 4));
      return Body([map, x, y] { map(x->data(), kElements, y->data()); });
    });
  }
}

}  // namespace intvit::bench
