#include "converter/graph/windows.h"

#include <algorithm>
#include <cstddef>

namespace intvit {
namespace {

constexpr std::uint8_t kUnseen = 255;  // the region of pads that nobody sees

// One axis of the grid: `size` tokens, windows of `window`, moved by `shift`.
struct Axis {
  int size, padded, window, shift;
  WindowPadding padding;

  // The token at a place behind the move; -1: a pad.
  int token_at(int place) const {
    const int round = padding == WindowPadding::before_move ? padded : size;
    if (place >= round) return -1;
    const int token = (place + shift) % round;
    return token < size ? token : -1;
  }

  // Those that were moved past the edge are in the last window with those that were not, and with none before it.
  int region_at(int place) const {
    if (shift == 0 || place < padded - window) return 0;
    return place < padded - shift ? 1 : 2;
  }
};

}  // namespace

bool WindowSpec::sound() const {
  constexpr int kLargestGrid = 1 << 15;
  return grid_height > 0 && grid_width > 0 && window_height > 0 && window_width > 0 && grid_height <= kLargestGrid &&
         grid_width <= kLargestGrid && window_height <= kLargestGrid && window_width <= kLargestGrid &&
         shift_down >= 0 && shift_down < window_height && shift_right >= 0 && shift_right < window_width;
}

WindowMap expand(const WindowSpec& spec) {
  const Axis down = {spec.grid_height, spec.padded_height(), spec.window_height, spec.shift_down, spec.padding};
  const Axis across = {spec.grid_width, spec.padded_width(), spec.window_width, spec.shift_right, spec.padding};
  WindowMap map{spec.windows(), spec.window_tokens(), {}, {}};
  const auto put = [&](int y, int x) {
    const int row = down.token_at(y), column = across.token_at(x);
    const bool is_pad = row < 0 || column < 0;
    map.rows.push_back(is_pad ? -1 : row * spec.grid_width + column);
    const bool unseen = is_pad && spec.pad == PadToken::none;
    map.regions.push_back(unseen ? kUnseen : static_cast<std::uint8_t>(3 * down.region_at(y) + across.region_at(x)));
  };
  for (int top = 0; top < down.padded; top += down.window) {
    for (int left = 0; left < across.padded; left += across.window) {
      for (int slot = 0; slot < map.tokens; ++slot) put(top + slot / across.window, left + slot % across.window);
    }
  }
  const auto all_alike = [&](int window) {
    const auto first = map.regions.begin() + static_cast<std::ptrdiff_t>(window) * map.tokens;
    return std::all_of(first, first + map.tokens, [&](std::uint8_t region) { return region == *first; });
  };
  bool alike = true;
  for (int window = 0; window < map.windows; ++window) alike = alike && all_alike(window);
  if (alike) map.regions.clear();
  return map;
}

}  // namespace intvit
