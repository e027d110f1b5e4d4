// Windows and merging of a map of tokens: the maps that are made of them, and attention in windows.
#include "converter/graph/windows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "converter/graph/builder.h"
#include "converter/graph/merge.h"
#include "tests/converter/float_reference.h"
#include "tests/converter/network_parts.h"

using namespace intvit;

namespace {

WindowSpec window_spec(int height, int width, int window_height, int window_width, int down, int right,
                       WindowPadding padding, PadToken pad = PadToken::zero_input) {
  return {height, width, window_height, window_width, down, right, padding, pad};
}

std::vector<WindowSpec> many_specs() {
  std::vector<WindowSpec> specs;
  for (const WindowPadding padding : {WindowPadding::before_move, WindowPadding::after_move}) {
    for (const PadToken pad : {PadToken::zero_input, PadToken::none}) {
      specs.push_back(window_spec(8, 8, 4, 4, 0, 0, padding, pad));
      specs.push_back(window_spec(8, 8, 4, 4, 2, 2, padding, pad));
      specs.push_back(window_spec(10, 13, 4, 4, 2, 2, padding, pad));
      specs.push_back(window_spec(7, 12, 7, 5, 0, 2, padding, pad));
      specs.push_back(window_spec(9, 6, 4, 3, 1, 2, padding, pad));
      specs.push_back(window_spec(5, 11, 3, 4, 2, 0, padding, pad));
      specs.push_back(window_spec(3, 3, 5, 5, 0, 0, padding, pad));
    }
  }
  return specs;
}

struct GridPlace {
  int y, x;
};

// The grid as a picture that is padded and moved step by step, in the order that the convention says.
std::vector<std::vector<int>> moved_grid(const WindowSpec& s) {
  const auto move = [&](const std::vector<std::vector<int>>& grid) {
    std::vector<std::vector<int>> moved = grid;
    for (std::size_t y = 0; y < grid.size(); ++y) {
      for (std::size_t x = 0; x < grid[0].size(); ++x) {
        moved[y][x] = grid[(y + static_cast<std::size_t>(s.shift_down)) % grid.size()]
                          [(x + static_cast<std::size_t>(s.shift_right)) % grid[0].size()];
      }
    }
    return moved;
  };
  std::vector<std::vector<int>> grid;
  for (int y = 0; y < s.grid_height; ++y) {
    grid.emplace_back();
    for (int x = 0; x < s.grid_width; ++x) grid.back().push_back(y * s.grid_width + x);
  }
  if (s.padding == WindowPadding::after_move) grid = move(grid);
  while (grid.size() % static_cast<std::size_t>(s.window_height) != 0) grid.emplace_back(grid[0].size(), -1);
  for (auto& row : grid) {
    while (row.size() % static_cast<std::size_t>(s.window_width) != 0) row.push_back(-1);
  }
  return s.padding == WindowPadding::before_move ? move(grid) : grid;
}

// Where slot `i` of a window lies on the moved grid.
GridPlace place_of(const WindowSpec& s, int window, int slot) {
  const int across = s.padded_width() / s.window_width;
  return {window / across * s.window_height + slot / s.window_width,
          window % across * s.window_width + slot % s.window_width};
}

}  // namespace

TEST_CASE("windows: the map is the grid, padded and moved, and every token is in one slot") {
  for (const WindowSpec& s : many_specs()) {
    REQUIRE(s.sound());
    const WindowMap map = expand(s);
    const std::vector<std::vector<int>> grid = moved_grid(s);
    REQUIRE(map.windows == s.windows());
    REQUIRE(map.tokens == s.window_tokens());
    REQUIRE(map.rows.size() == static_cast<std::size_t>(map.windows * map.tokens));
    std::vector<int> seen(static_cast<std::size_t>(s.tokens()));
    for (int w = 0; w < map.windows; ++w) {
      for (int i = 0; i < map.tokens; ++i) {
        const GridPlace at = place_of(s, w, i);
        const int row = map.rows[static_cast<std::size_t>(w * map.tokens + i)];
        REQUIRE(row == grid[static_cast<std::size_t>(at.y)][static_cast<std::size_t>(at.x)]);
        if (row >= 0) ++seen[static_cast<std::size_t>(row)];
      }
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
  }
}

// In the published code three bands of rows and three of columns are numbered, and only equal numbers see each other.
TEST_CASE("windows: slots of different bands, and pads that nobody sees, are in different regions") {
  for (const WindowSpec& s : many_specs()) {
    const WindowMap map = expand(s);
    const std::vector<std::vector<int>> grid = moved_grid(s);
    const auto band = [](int place, int padded, int window, int shift) {
      return shift == 0 ? 0 : (place >= padded - window ? 1 : 0) + (place >= padded - shift ? 1 : 0);
    };
    const auto sees = [&](const GridPlace& a, const GridPlace& b) {
      const bool lost =
          s.pad == PadToken::none && (grid[static_cast<std::size_t>(a.y)][static_cast<std::size_t>(a.x)] < 0) !=
                                         (grid[static_cast<std::size_t>(b.y)][static_cast<std::size_t>(b.x)] < 0);
      return !lost &&
             band(a.y, s.padded_height(), s.window_height, s.shift_down) ==
                 band(b.y, s.padded_height(), s.window_height, s.shift_down) &&
             band(a.x, s.padded_width(), s.window_width, s.shift_right) ==
                 band(b.x, s.padded_width(), s.window_width, s.shift_right);
    };
    for (int w = 0; w < map.windows; ++w) {
      for (int i = 0; i < map.tokens; ++i) {
        if (map.rows[static_cast<std::size_t>(w * map.tokens + i)] < 0) continue;  // a pad asks nothing
        for (int j = 0; j < map.tokens; ++j) {
          const auto region = [&](int slot) {
            return map.regions.empty() ? 0 : map.regions[static_cast<std::size_t>(w * map.tokens + slot)];
          };
          REQUIRE((region(i) == region(j)) == sees(place_of(s, w, i), place_of(s, w, j)));
        }
      }
    }
  }
}

TEST_CASE("windows: a map without moves and lost pads has no regions") {
  CHECK(expand(window_spec(8, 8, 4, 4, 0, 0, WindowPadding::before_move)).regions.empty());
  CHECK(expand(window_spec(9, 8, 4, 4, 0, 0, WindowPadding::before_move)).regions.empty());
  CHECK_FALSE(expand(window_spec(9, 8, 4, 4, 0, 0, WindowPadding::before_move, PadToken::none)).regions.empty());
  CHECK_FALSE(expand(window_spec(8, 8, 4, 4, 2, 2, WindowPadding::before_move)).regions.empty());
}

TEST_CASE("windows: a shift as large as the window, and sizes below 1, are not sound") {
  CHECK(window_spec(8, 8, 4, 4, 3, 3, WindowPadding::before_move).sound());
  CHECK_FALSE(window_spec(8, 8, 4, 4, 4, 0, WindowPadding::before_move).sound());
  CHECK_FALSE(window_spec(8, 8, 4, 4, 0, -1, WindowPadding::before_move).sound());
  CHECK_FALSE(window_spec(0, 8, 4, 4, 0, 0, WindowPadding::before_move).sound());
  CHECK_FALSE(window_spec(8, 8, 4, 0, 0, 0, WindowPadding::before_move).sound());
}

TEST_CASE("merge: four neighbours, those below first, and nothing outside the grid") {
  CHECK(expand(MergeSpec{2, 4}) == std::vector<std::int32_t>{0, 4, 1, 5, 2, 6, 3, 7});
  CHECK(expand(MergeSpec{3, 3}) == std::vector<std::int32_t>{0, 3, 1, 4, 2, 5, -1, -1, 6, -1, 7, -1, 8, -1, -1, -1});
  CHECK(expand(MergeSpec{1, 1}) == std::vector<std::int32_t>{0, -1, -1, -1});
}

namespace {

std::vector<float> random_values(int count, double deviation, std::mt19937& random) {
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> result(static_cast<std::size_t>(count));
  for (float& value : result) value = static_cast<float>(normal(random));
  return result;
}

FloatLinear random_linear(int out, int in, std::mt19937& random) {
  return {out, in, random_values(out * in, 1.5 / std::sqrt(in), random), random_values(out, 0.5, random)};
}

constexpr int kWindowChannels = 12, kWindowHeads = 3;

// A picture of 2-pixel patches, a norm and one attention of the patches, whose result is the output.
FloatNetwork windowed(const WindowSpec& spec, unsigned seed, bool cosine = false, bool biased = true) {
  std::mt19937 random(seed);
  FloatNetwork frame;
  frame.architecture = "windows";
  frame.preprocessing.height = 2 * spec.grid_height;
  frame.preprocessing.width = 2 * spec.grid_width;
  GraphBuilder b(frame);
  b.segment("patch_embed", false);
  const TensorId stream =
      b.patch_embed("patch_embed", {2, 0, random_linear(kWindowChannels, 12, random),
                                    std::vector<float>(static_cast<std::size_t>(spec.tokens() * kWindowChannels))});
  b.segment("block", true);
  const TensorId x = b.copy("copy", stream, "attn.qkv.input");
  const int slots = spec.window_tokens();
  Attention kind = {.windows = spec,
                    .bias = biased ? random_values(kWindowHeads * slots * slots, 1, random) : std::vector<float>()};
  FloatLinear qkv = random_linear(3 * kWindowChannels, kWindowChannels, random);
  TensorId attended = -1;
  if (cosine) {
    LayerNorm norm = {{random_values(kWindowChannels, 1, random), random_values(kWindowChannels, 0.1, random)}, 1e-6};
    norm.groups = kWindowHeads;
    norm.centred = false;
    attended = b.attention("attn", x, qkv, kWindowHeads, kind, "norm", norm, norm);
  } else {
    attended = b.attention("attn", x, qkv, kWindowHeads, kind);
  }
  const TensorId out =
      b.linear("attn.proj", attended, random_linear(kWindowChannels, kWindowChannels, random), "out", Role::values);
  b.output({"out", PortKind::features, out, 0, spec.tokens(), spec.grid_height, spec.grid_width});
  FloatNetwork network = b.take();
  const Status status = check_network(network);
  REQUIRE_MESSAGE(status.ok(), status.message());
  return network;
}

std::vector<std::uint8_t> noise_for(const FloatNetwork& network, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random());
  return pixels;
}

std::vector<float> window_output(const FloatNetwork& network, const std::vector<std::uint8_t>& picture,
                                 int threads = 1) {
  FloatForward forward(network, threads);
  forward.run(picture.data());
  const auto result = forward.output(0);
  return {result.begin(), result.end()};
}

// Looks at all probabilities of an attention in windows.
struct ProbabilityChecker : Observer {
  ProbabilityChecker(const FloatNetwork& its_network, const WindowSpec& spec)
      : network(its_network), map(expand(spec)), tokens(spec.tokens()) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    if (network.at(tensor).role != Role::probabilities) return;
    REQUIRE(rows == kWindowHeads * tokens);
    REQUIRE(columns == map.tokens);
    for (std::size_t slot = 0; slot < map.rows.size(); ++slot) {
      for (int head = 0; map.rows[slot] >= 0 && head < kWindowHeads; ++head) {
        check_row(data + (head * tokens + map.rows[slot]) * columns, slot);
      }
    }
  }
  void check_row(const float* row, std::size_t slot) {
    const std::size_t columns = static_cast<std::size_t>(map.tokens), first = slot / columns * columns;
    double sum = 0;
    for (std::size_t key = 0; key < columns; ++key) {
      sum += row[key];
      if (map.regions.empty() || map.regions[first + key] == map.regions[slot]) continue;
      REQUIRE(row[key] == 0);
      ++unseen;
    }
    REQUIRE(std::abs(sum - 1) < 1e-5);
  }
  const FloatNetwork& network;
  const WindowMap map;
  const int tokens;
  int unseen = 0;
};

}  // namespace

TEST_CASE("window attention equals the sums of each query in double precision") {
  for (const WindowSpec& spec : many_specs()) {
    for (const bool cosine : {false, true}) {
      const FloatNetwork network = windowed(spec, 3, cosine, spec.pad == PadToken::zero_input);
      const std::vector<std::uint8_t> picture = noise_for(network, 4);
      const std::vector<float> got = window_output(network, picture);
      const float_reference::Row expected = float_reference::Reference(network, picture.data()).output(0);
      REQUIRE(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - expected[i]) < 1e-4);
      CHECK(window_output(network, picture, 3) == got);
    }
  }
}

TEST_CASE("window attention: tokens of other regions have probability 0") {
  for (const bool moves : {false, true}) {
    const WindowSpec spec = window_spec(8, 8, 4, 4, moves ? 2 : 0, 0, WindowPadding::after_move);
    const FloatNetwork network = windowed(spec, 1);
    ProbabilityChecker checker(network, spec);
    FloatForward forward(network, 1);
    const std::vector<std::uint8_t> picture = noise_for(network, 2);
    forward.run(picture.data(), &checker);
    // Of two rows of windows the lower one is cut in halves.
    CHECK(checker.unseen == (moves ? kWindowHeads * 32 * 8 : 0));
  }
}

// What a move means: a network that moves its windows gives, for a picture, what one that does not gives for the moved
// picture. Windows that are cut by the picture's edge are left out of the comparison.
TEST_CASE("window attention: moved windows are windows of a moved picture") {
  for (const WindowPadding padding : {WindowPadding::before_move, WindowPadding::after_move}) {
    const WindowSpec moved = window_spec(8, 12, 4, 4, 2, 1, padding);
    const FloatNetwork network = windowed(moved, 5);
    FloatNetwork still = network;
    node_of(still, "attn").as<Attention>()->windows = window_spec(8, 12, 4, 4, 0, 0, padding);
    const std::vector<std::uint8_t> picture = noise_for(network, 6);
    std::vector<std::uint8_t> rolled = picture;
    const auto byte = [](int y, int x) { return static_cast<std::size_t>((y * 24 + x) * 3); };
    for (int y = 0; y < 16; ++y) {
      for (int x = 0; x < 24; ++x) {
        for (std::size_t c = 0; c < 3; ++c) rolled[byte(y, x) + c] = picture[byte((y + 4) % 16, (x + 2) % 24) + c];
      }
    }
    const std::vector<float> ours = window_output(network, picture), theirs = window_output(still, rolled);
    int compared = 0;
    for (int y = 0; y < 4; ++y) {    // the upper row of windows
      for (int x = 0; x < 8; ++x) {  // the two left ones
        for (int c = 0; c < kWindowChannels; ++c, ++compared) {
          const auto at = [&](int row, int column) {
            return static_cast<std::size_t>((row * 12 + column) * kWindowChannels + c);
          };
          REQUIRE(ours[at(y + 2, x + 1)] == theirs[at(y, x)]);
        }
      }
    }
    CHECK(compared > 0);
    CHECK(ours != theirs);
  }
}

TEST_CASE("attention with a bias over all tokens equals the sums in double precision") {
  std::mt19937 random(8);
  FloatNetwork network = windowed(window_spec(3, 5, 3, 5, 0, 0, WindowPadding::before_move), 7);
  auto* attention = node_of(network, "attn").as<Attention>();
  attention->windows.reset();
  attention->bias = random_values(kWindowHeads * 15 * 15, 1, random);
  const Status status = check_network(network);
  REQUIRE_MESSAGE(status.ok(), status.message());
  const std::vector<std::uint8_t> picture = noise_for(network, 9);
  const std::vector<float> got = window_output(network, picture);
  const float_reference::Row expected = float_reference::Reference(network, picture.data()).output(0);
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - expected[i]) < 1e-4);
  // One window that is the whole grid says the same.
  attention->windows = window_spec(3, 5, 3, 5, 0, 0, WindowPadding::before_move);
  const std::vector<float> in_a_window = window_output(network, picture);
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - in_a_window[i]) < 1e-5);
  attention->bias.pop_back();
  CHECK(check_network(network).message().find("a bias of another size") != std::string::npos);
}

TEST_CASE("window attention, norms of heads and merging: what does not fit is refused by name") {
  const WindowSpec spec = window_spec(10, 6, 4, 4, 2, 2, WindowPadding::after_move);
  const auto refused = [&](bool cosine, void (*change)(FloatNetwork&)) {
    FloatNetwork network = windowed(spec, 1, cosine);
    change(network);
    return check_network(network).message();
  };
  const auto has = [](const std::string& message, const char* words) {
    CAPTURE(message);
    CHECK(message.find(words) != std::string::npos);
  };
  has(refused(false, [](FloatNetwork& n) { node_of(n, "attn").as<Attention>()->windows->grid_width = 7; }),
      "'attn': windows of another grid");
  has(refused(false, [](FloatNetwork& n) { node_of(n, "attn").as<Attention>()->windows->shift_down = 4; }),
      "'attn': windows of another grid");
  has(refused(false, [](FloatNetwork& n) { node_of(n, "attn").as<Attention>()->queries = 1; }), "'attn'");
  has(refused(false, [](FloatNetwork& n) { node_of(n, "attn").as<Attention>()->bias.push_back(0); }),
      "'attn': a bias of another size");
  has(refused(true, [](FloatNetwork& n) { node_of(n, "attn.k_norm").as<LayerNorm>()->groups = 5; }), "'attn.k_norm'");
  has(refused(true, [](FloatNetwork& n) { node_of(n, "attn.q_norm").as<LayerNorm>()->groups = 0; }), "'attn.q_norm'");
  // A key that no projection makes has no value for a pad.
  has(refused(true,
              [](FloatNetwork& n) {
                node_of(n, "attn.k_norm").kind = Rotate{n.tensors[0].rows, {}, {}};
              }),
      "'attn': pads are keys whose projection is not known");
  has(refused(true, [](FloatNetwork& n) { node_of(n, "attn.k_norm").kind = Rotate{}; }), "angles of other rows");
  has(refused(false, [](FloatNetwork& n) { node_of(n, "copy").kind = Gather{{10, 6}}; }), "'copy': shapes of the two");
}
