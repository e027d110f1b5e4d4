// The classes with the largest logits, for each interface's own type.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "intvit/view.h"

namespace intvit {

// best_classes() of intvit/classes.h. `Class` has the fields class_index and logit, in this order.
template <typename Class>
std::size_t find_best_classes(View<const std::int32_t> logits, Class* best, std::size_t count) {
  const auto is_better = [](const Class& a, const Class& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.class_index < b.class_index;
  };
  const std::size_t found = std::min(logits.size(), count);
  if (found == 0) return 0;
  // The best so far are a heap, the least of them on top.
  int index = 0;
  for (const std::int32_t logit : logits) {
    const auto i = static_cast<std::size_t>(index);
    const Class one{index++, logit};
    if (i < found) {
      best[i] = one;
      std::push_heap(best, best + i + 1, is_better);
    } else if (is_better(one, best[0])) {
      std::pop_heap(best, best + found, is_better);
      best[found - 1] = one;
      std::push_heap(best, best + found, is_better);
    }
  }
  std::sort_heap(best, best + found, is_better);
  return found;
}

}  // namespace intvit
