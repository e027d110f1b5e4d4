#include "engine/run/best_classes.h"

#include "intvit/classes.h"

namespace intvit {

std::size_t best_classes(View<const std::int32_t> logits, ClassLogit* best, std::size_t count) {
  return find_best_classes(logits, best, count);
}

}  // namespace intvit
