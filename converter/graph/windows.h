// Attention in windows: which tokens of a map see each other. Networks say it in a few numbers, and here these become
// the maps that the engine's attention takes. Pure; no weights.
#pragma once

#include <cstdint>
#include <vector>

namespace intvit {

// Grids that are no multiple of the window are padded at the right and at the bottom.
enum class WindowPadding {
  before_move,  // torchvision, transformers, mmdet: the padded grid moves
  after_move,   // timm: tokens that leave at the top come back above the pads
};

// What a pad is to the tokens of its window.
enum class PadToken {
  zero_input,  // a key whose input to the projection was zero, so that it is the projection's bias
  none,        // nobody sees it
};

// Tokens lie row by row, in windows as on the grid.
struct WindowSpec {
  int grid_height = 0;
  int grid_width = 0;
  int window_height = 0;
  int window_width = 0;
  // The grid moves cyclically up and to the left by so many tokens before windows are cut out of it. Tokens that were
  // no neighbours before do not see each other. 0 where the window is not smaller than the grid.
  int shift_down = 0;
  int shift_right = 0;
  WindowPadding padding = WindowPadding::before_move;
  PadToken pad = PadToken::zero_input;

  bool operator==(const WindowSpec&) const = default;

  int tokens() const { return grid_height * grid_width; }
  int window_tokens() const { return window_height * window_width; }
  // Of the padded grid.
  int padded_height() const { return padded(grid_height, window_height); }
  int padded_width() const { return padded(grid_width, window_width); }
  int windows() const { return padded_height() / window_height * (padded_width() / window_width); }
  bool has_pads() const { return padded_height() != grid_height || padded_width() != grid_width; }
  // All sizes are positive and shifts smaller than the window.
  bool sound() const;

 private:
  static int padded(int size, int window) { return (size + window - 1) / window * window; }
};

// Windows of a grid, one after another, row by row; slots of a window, row by row.
struct WindowMap {
  int windows = 0;
  int tokens = 0;                     // slots of a window, N
  std::vector<std::int32_t> rows;     // [windows][N]: the token in the slot; -1: a pad. Every token is in one slot.
  std::vector<std::uint8_t> regions;  // [windows][N]: slots see those of their own region; empty: all see all
};

// `spec` must be sound.
WindowMap expand(const WindowSpec& spec);

}  // namespace intvit
