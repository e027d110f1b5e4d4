// The maps of vitrun --attention, against sums and products of whole matrices.
#include "tools/vitrun/attention_maps.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string>

#include "tests/engine/tiny_model.h"

using namespace intvit;

namespace {

using Matrix = std::vector<std::vector<double>>;  // [queries][keys]

std::unique_ptr<Session> looking_session(const std::shared_ptr<const Model>& model, const test::TinyOptions& tiny) {
  SessionOptions options;
  options.attention_layers.resize(model->attention_layers().size());
  std::iota(options.attention_layers.begin(), options.attention_layers.end(), 0);
  auto session = Session::create(model, options);
  REQUIRE_MESSAGE(session.ok(), session.status().message());
  const std::vector<std::uint8_t> picture = test::tiny_picture(tiny, 3);
  std::copy(picture.begin(), picture.end(), session.value()->picture(0));
  session.value()->run();
  return session.take();
}

// The mean of all heads.
Matrix whole_matrix(const Session& session, int layer) {
  const AttentionView view = session.attention(0, static_cast<std::size_t>(layer)).value();
  Matrix matrix(static_cast<std::size_t>(view.queries), std::vector<double>(static_cast<std::size_t>(view.keys), 0));
  for (int h = 0; h < view.heads; ++h) {
    for (int q = 0; q < view.queries; ++q) {
      for (int k = 0; k < view.keys; ++k) {
        matrix[static_cast<std::size_t>(q)][static_cast<std::size_t>(k)] += view.probability(0, h, q, k) / view.heads;
      }
    }
  }
  return matrix;
}

// (A + 1) / 2 B
Matrix rolled(const Matrix& a, const Matrix& b) {
  Matrix product(a.size(), std::vector<double>(b[0].size(), 0));
  for (std::size_t q = 0; q < a.size(); ++q) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      const double factor = a[q][k] / 2 + (q == k ? 0.5 : 0);
      for (std::size_t j = 0; j < b[k].size(); ++j) product[q][j] += factor * b[k][j];
    }
  }
  return product;
}

// Of the class token, without itself.
void check_row(const std::vector<double>& map, const std::vector<double>& row) {
  REQUIRE(map.size() + 1 == row.size());
  for (std::size_t i = 0; i < map.size(); ++i) CHECK(map[i] == doctest::Approx(row[i + 1]).epsilon(1e-9));
}

std::string refusal(const Model& model, int layer, const std::string& head) {
  const Result<AttentionChoice> choice = attention_choice(model, layer, head);
  return choice.ok() ? "" : choice.status().message();
}

}  // namespace

TEST_CASE("attention maps: the class token's row, of one head, of all, and through all layers") {
  test::TinyOptions tiny{.edge = 12};
  tiny.blocks = 3;
  const auto model = test::tiny_model(tiny);
  const auto session = looking_session(model, tiny);
  const int layers = static_cast<int>(model->attention_layers().size());
  REQUIRE(layers > 1);
  const AttentionView first = session->attention(0, 0).value();
  std::vector<double> row;
  for (int k = 0; k < first.keys; ++k) row.push_back(first.probability(0, 1, 0, k));
  check_row(attention_map(*session, attention_choice(*model, 0, "1").value()).value(), row);

  Matrix product;
  for (int l = 0; l < layers; ++l) {
    const Matrix own = whole_matrix(*session, l);
    if (l == 0) {
      Matrix one(own[0].size(), std::vector<double>(own[0].size(), 0));
      for (std::size_t i = 0; i < one.size(); ++i) one[i][i] = 1;
      product = one;
    }
    product = rolled(own, product);
    check_row(attention_map(*session, attention_choice(*model, l, "mean").value()).value(), own[0]);
    check_row(attention_map(*session, attention_choice(*model, l, "rollout").value()).value(), product[0]);
  }
  CHECK(attention_choice(*model, -1, "mean").value().layer == layers - 1);
  CHECK(layers_needed(attention_choice(*model, -1, "rollout").value()).size() == static_cast<std::size_t>(layers));
  CHECK(layers_needed(attention_choice(*model, -1, "mean").value()) == std::vector<int>{layers - 1});
  CHECK(refusal(*model, layers, "mean").find("counted from 0") != std::string::npos);
  CHECK(refusal(*model, -layers - 1, "mean").find("counted from 0") != std::string::npos);
  for (const char* head : {"", "-1", "x", "1x", "99", "99999999999"}) {
    CHECK_MESSAGE(refusal(*model, 0, head).find("rollout or a number") != std::string::npos, head);
  }
}

TEST_CASE("attention maps: windows lie in their places, and nothing rolls through them") {
  test::TinyOptions tiny{.edge = 12};
  tiny.sets = true;
  const auto model = test::tiny_model(tiny);
  const auto session = looking_session(model, tiny);
  const AttentionView view = session->attention(0, 0).value();
  const std::vector<AttentionToken> tokens = model->attention_tokens(0).value();
  const AttentionLayer& layer = model->attention_layers()[0];
  std::vector<double> expected(static_cast<std::size_t>(layer.grid_height * layer.grid_width), 0);
  for (int w = 0; w < view.windows; ++w) {
    int queries = 0;
    for (int q = 0; q < view.queries; ++q) queries += view.divisor(w, 0, q) != 0;
    for (int k = 0; k < view.keys; ++k) {
      const AttentionToken& token = tokens[static_cast<std::size_t>(w * view.keys + k)];
      if (token.x < 0) continue;
      for (int i = 0; i < view.queries * view.heads; ++i) {
        expected[static_cast<std::size_t>(token.y * layer.grid_width + token.x)] +=
            view.probability(w, i % view.heads, i / view.heads, k) / queries / view.heads;
      }
    }
  }
  const std::vector<double> map = attention_map(*session, attention_choice(*model, 0, "mean").value()).value();
  REQUIRE(map.size() == expected.size());
  for (std::size_t i = 0; i < map.size(); ++i) CHECK(map[i] == doctest::Approx(expected[i]).epsilon(1e-9));
  const auto rollout = attention_map(*session, attention_choice(*model, 0, "rollout").value());
  REQUIRE(!rollout.ok());
  CHECK(rollout.status().message().find("use --head mean") != std::string::npos);
}

TEST_CASE("attention maps: what is looked at most is brightest") {
  const std::vector<std::uint8_t> grey(8 * 8 * 3, 128);
  const std::vector<std::uint8_t> rgb = draw_attention(grey.data(), 8, 8, {0, 0, 0, 1}, 2, 2);
  REQUIRE(rgb.size() == grey.size());
  const auto light = [&](std::size_t y, std::size_t x) {
    const std::size_t at = (y * 8 + x) * 3;
    return rgb[at] + rgb[at + 1] + rgb[at + 2];
  };
  CHECK(light(7, 7) > light(4, 4));
  CHECK(light(4, 4) > light(0, 0));
  CHECK(light(0, 7) == light(0, 0));
  CHECK(draw_attention(grey.data(), 8, 8, {0, 0, 0, 0}, 2, 2).size() == grey.size());
}
