#include "tools/vitrun/attention_maps.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace intvit {
namespace {

// Row `query` of a window as the chosen head has it, or as the mean of all, added to `sums`.
void add_row(const AttentionView& attention, int head, int window, int query, double factor, double* sums) {
  const int first = head < 0 ? 0 : head, last = head < 0 ? attention.heads - 1 : head;
  const double share = factor / (last - first + 1);
  for (int h = first; h <= last; ++h) {
    for (int key = 0; key < attention.keys; ++key) sums[key] += share * attention.probability(window, h, query, key);
  }
}

// A query that is no token: one, although the first key is a place of the picture.
bool has_learned_query(const AttentionLayer& layer, const std::vector<AttentionToken>& tokens) {
  return layer.queries == 1 && layer.keys > 1 && tokens[0].x >= 0;
}

bool has_class_token(const std::vector<AttentionToken>& tokens) { return tokens[0].token == 0 && tokens[0].x < 0; }

// Queries of a window that there are.
std::vector<int> queries_of(const AttentionView& attention, int window) {
  std::vector<int> queries;
  for (int q = 0; q < attention.queries; ++q) {
    if (attention.divisor(window, 0, q) != 0) queries.push_back(q);
  }
  return queries;
}

// [windows][keys]: what each key gets.
std::vector<double> looked_at(const AttentionView& attention, const std::vector<AttentionToken>& tokens, int head) {
  const auto keys = static_cast<std::size_t>(attention.keys);
  std::vector<double> sums(static_cast<std::size_t>(attention.windows) * keys, 0);
  for (int w = 0; w < attention.windows; ++w) {
    double* const own = sums.data() + static_cast<std::size_t>(w) * keys;
    if (attention.windows == 1 && has_class_token(tokens)) {
      add_row(attention, head, 0, 0, 1, own);
      continue;
    }
    const std::vector<int> queries = queries_of(attention, w);
    for (const int q : queries) add_row(attention, head, w, q, 1.0 / static_cast<double>(queries.size()), own);
  }
  return sums;
}

Result<AttentionView> view_of(const Session& session, int layer) {
  return session.attention(0, static_cast<std::size_t>(layer));
}

// One row through all layers from the last to the first: that of the class token, or the mean of all.
Result<std::vector<double>> rolled_out(const Session& session, int last) {
  const std::vector<AttentionLayer>& layers = session.model().attention_layers();
  const AttentionLayer& top = layers[static_cast<std::size_t>(last)];
  const Result<std::vector<AttentionToken>> tokens = session.model().attention_tokens(static_cast<std::size_t>(last));
  if (!tokens.ok()) return tokens.status();
  std::vector<double> row(static_cast<std::size_t>(top.keys), 0);
  for (int l = last; l >= 0; --l) {
    const AttentionLayer& layer = layers[static_cast<std::size_t>(l)];
    if (layer.windows != 1 || layer.keys != top.keys || layer.queries > layer.keys) {
      return {Code::invalid_argument, "--head rollout needs layers in which all tokens see each other, and '" +
                                          layer.name + "' is none; use --head mean"};
    }
    const Result<AttentionView> attention = view_of(session, l);
    if (!attention.ok()) return attention.status();
    const std::vector<int> queries = queries_of(attention.value(), 0);
    std::vector<double> next(row.size(), 0);
    if (l == last && has_learned_query(layer, tokens.value())) {
      add_row(attention.value(), -1, 0, 0, 1, next.data());
    } else {
      if (l == last && has_class_token(tokens.value())) row[0] = 1;
      for (const int q : queries) {
        double& own = row[static_cast<std::size_t>(q)];
        if (l == last && !has_class_token(tokens.value())) own = 1.0 / static_cast<double>(queries.size());
        next[static_cast<std::size_t>(q)] += own / 2;
        if (own != 0) add_row(attention.value(), -1, 0, q, own / 2, next.data());
      }
    }
    row = std::move(next);
  }
  return row;
}

// Dark blue, violet, orange, yellow: lightness rises all the way, for any colour vision.
std::array<double, 3> heat(double value) {
  constexpr std::array<double, 3> kRamp[] = {
      {20, 15, 70}, {110, 30, 125}, {200, 60, 80}, {245, 140, 30}, {250, 235, 110}};
  const double place = std::clamp(value, 0.0, 1.0) * (std::size(kRamp) - 1);
  const auto i = std::min(static_cast<std::size_t>(place), std::size(kRamp) - 2);
  const double part = place - static_cast<double>(i);
  std::array<double, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c) colour[c] = kRamp[i][c] * (1 - part) + kRamp[i + 1][c] * part;
  return colour;
}

// Between the places of the grid, whose centres are those of the patches.
double interpolated(const std::vector<double>& map, int grid_height, int grid_width, double y, double x) {
  y = std::clamp(y, 0.0, grid_height - 1.0);
  x = std::clamp(x, 0.0, grid_width - 1.0);
  const int top = static_cast<int>(y), left = static_cast<int>(x);
  const int below = std::min(top + 1, grid_height - 1), right = std::min(left + 1, grid_width - 1);
  const auto at = [&](int row, int column) {
    return map[static_cast<std::size_t>(row) * static_cast<std::size_t>(grid_width) + static_cast<std::size_t>(column)];
  };
  const double upper = at(top, left) * (left + 1 - x) + at(top, right) * (x - left);
  const double lower = at(below, left) * (left + 1 - x) + at(below, right) * (x - left);
  return upper * (top + 1 - y) + lower * (y - top);
}

}  // namespace

Result<AttentionChoice> attention_choice(const Model& model, int layer, const std::string& head) {
  const int count = static_cast<int>(model.attention_layers().size());
  AttentionChoice choice;
  choice.layer = layer < 0 ? count + layer : layer;
  if (choice.layer < 0 || choice.layer >= count) {
    return {Code::invalid_argument, "--layer " + std::to_string(layer) + ", but the model has " +
                                        std::to_string(count) + " attention layers, counted from 0"};
  }
  if (head == "mean") return choice;
  choice.rollout = head == "rollout";
  if (choice.rollout) return choice;
  const int heads = model.attention_layers()[static_cast<std::size_t>(choice.layer)].heads;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), choice.head);
  if (error != std::errc() || end != head.data() + head.size() || choice.head < 0 || choice.head >= heads) {
    return {Code::invalid_argument,
            "--head '" + head + "' must be mean, rollout or a number from 0 to " + std::to_string(heads - 1)};
  }
  return choice;
}

std::vector<int> layers_needed(const AttentionChoice& choice) {
  std::vector<int> layers;
  for (int l = choice.rollout ? 0 : choice.layer; l <= choice.layer; ++l) layers.push_back(l);
  return layers;
}

Result<std::vector<double>> attention_map(const Session& session, const AttentionChoice& choice) {
  const auto index = static_cast<std::size_t>(choice.layer);
  const AttentionLayer& layer = session.model().attention_layers()[index];
  if (layer.grid_height <= 0 || layer.grid_width <= 0) {
    return {Code::unsupported, "the model does not say on which grid '" + layer.name + "' lies, so it cannot be drawn"};
  }
  const Result<std::vector<AttentionToken>> tokens = session.model().attention_tokens(index);
  if (!tokens.ok()) return tokens.status();
  std::vector<double> sums;
  if (choice.rollout) {
    Result<std::vector<double>> rolled = rolled_out(session, choice.layer);
    if (!rolled.ok()) return rolled.status();
    sums = rolled.take();
  } else {
    const Result<AttentionView> attention = view_of(session, choice.layer);
    if (!attention.ok()) return attention.status();
    sums = looked_at(attention.value(), tokens.value(), choice.head);
  }
  const auto width = static_cast<std::size_t>(layer.grid_width);
  std::vector<double> map(static_cast<std::size_t>(layer.grid_height) * width, 0);
  for (std::size_t k = 0; k < sums.size(); ++k) {
    const AttentionToken& token = tokens.value()[k];
    if (token.x < 0 || token.y < 0 || token.x >= layer.grid_width || token.y >= layer.grid_height) continue;
    map[static_cast<std::size_t>(token.y) * width + static_cast<std::size_t>(token.x)] += sums[k];
  }
  return map;
}

std::vector<std::uint8_t> draw_attention(const std::uint8_t* picture, int height, int width,
                                         const std::vector<double>& map, int grid_height, int grid_width) {
  const double most = *std::max_element(map.begin(), map.end());
  std::vector<std::uint8_t> rgb;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double grid_y = (y + 0.5) * grid_height / height - 0.5, grid_x = (x + 0.5) * grid_width / width - 0.5;
      const double value = most > 0 ? interpolated(map, grid_height, grid_width, grid_y, grid_x) / most : 0;
      const double grey = 0.299 * picture[0] + 0.587 * picture[1] + 0.114 * picture[2];
      for (const double colour : heat(value)) {
        rgb.push_back(static_cast<std::uint8_t>(std::clamp(0.5 * grey + 0.5 * colour + 0.5, 0.0, 255.0)));
      }
      picture += 3;
    }
  }
  return rgb;
}

}  // namespace intvit
