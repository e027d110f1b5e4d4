// The library as an application sees it that is built as C++17, where the library itself is C++20.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "intvit/intvit.h"
#include "intvit/intvit.hpp"
#include "intvit/picture.h"
#include "tests/capi/tiny_files.h"

static_assert(__cplusplus == 201703L, "this file is about C++17");

namespace intvit::test {
namespace {

TEST_CASE("C++17: a model, a session, its outputs") {
  const std::vector<std::uint8_t> file = four_outputs_file();
  auto model = Model::from_memory(file, "tiny");
  REQUIRE(model.ok());
  CHECK(model.value()->input().width == static_cast<std::uint32_t>(model.value()->input_width()));
  SessionOptions options;
  options.threads = 2;
  options.batch = 2;
  auto session = Session::create(model.value(), options);
  REQUIRE(session.ok());
  for (int i = 0; i < 2; ++i) {
    const std::vector<std::uint8_t> picture = four_outputs_picture(1);
    std::memcpy(session.value()->picture(i), picture.data(), picture.size());
  }
  session.value()->run(2);
  const View<const std::int32_t> logits = session.value()->logits(0);
  CHECK(std::vector<std::int32_t>(logits.begin(), logits.end()) ==
        std::vector<std::int32_t>(session.value()->logits(1).begin(), session.value()->logits(1).end()));
  ClassLogit best[3];
  CHECK(best_classes(logits, best, 3) == 3);
  CHECK(logits[static_cast<std::size_t>(best[0].class_index)] == best[0].logit);
  const Port& port = model.value()->outputs().at(model.value()->output("embedding").value());
  std::vector<float> values(port.count());
  copy_real_values(port, session.value()->output(0, 1), values.data());
  CHECK(values[0] == static_cast<float>((session.value()->output(0, 1).at(0, 0) - port.zero) * port.unit()));
}

// Of classes by themselves, of texts under softmax, and of texts with a sigmoid each.
TEST_CASE("C++17: probabilities, in C too") {
  using Facts = std::map<std::string, std::string>;
  for (const Facts& facts :
       {Facts{}, Facts{{"zero_shot", "softmax"}}, Facts{{"zero_shot", "sigmoid"}, {"logit_bias", "-1.25e+00"}}}) {
    const std::vector<std::uint8_t> file = four_outputs_file_with(facts), pixels = four_outputs_picture(3);
    const auto session = Session::create(Model::from_memory(file, "tiny").take(), {}).take();
    std::memcpy(session->picture(0), pixels.data(), pixels.size());
    session->run();
    const auto all = class_probabilities(*session, 0);
    REQUIRE(all.ok());
    double unit = std::ldexp(1.0, -session->model().logit_fraction_bits());
    if (!facts.empty()) {
      const std::size_t place = *session->model().output("embedding");
      const Port& port = session->model().outputs()[place];
      std::vector<float> embedding(port.count());
      copy_real_values(port, session->output(0, place), embedding.data());
      double sum = 0;
      for (const float value : embedding) sum += static_cast<double>(value) * value;
      unit /= std::sqrt(sum);
    }
    double sum = 0;
    std::vector<double> expected;
    for (const std::int32_t logit : session->logits(0)) {
      expected.push_back(facts.size() == 2 ? 1 / (1 + std::exp(1.25 - logit * unit)) : std::exp(logit * unit));
      sum += facts.size() == 2 ? 0 : expected.back();
    }
    intvit_model* model = nullptr;
    intvit_session* own = nullptr;
    double in_c[10] = {};
    REQUIRE(intvit_model_from_memory(file.data(), file.size(), nullptr, nullptr, &model) == INTVIT_OK);
    REQUIRE(intvit_session_create(model, nullptr, &own) == INTVIT_OK);
    CHECK(intvit_session_set_input(own, 0, pixels.data(), pixels.size()) == INTVIT_OK);
    CHECK(intvit_session_run(own, 1) == INTVIT_OK);
    CHECK(intvit_probabilities(model, own, 0, in_c, 9) == INTVIT_INVALID_ARGUMENT);
    CHECK(intvit_probabilities(model, own, 1, in_c, 10) == INTVIT_INVALID_ARGUMENT);
    CHECK(intvit_probabilities(model, own, 0, in_c, 10) == INTVIT_OK);
    intvit_session_close(own);
    intvit_model_close(model);
    REQUIRE(all.value().size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(all.value()[i] == doctest::Approx(sum > 0 ? expected[i] / sum : expected[i]));
      CHECK(in_c[i] == doctest::Approx(all.value()[i]));
    }
  }
}

TEST_CASE("C++17: metadata of logits that make no sense are refused, decimal numbers are read") {
  const auto rule = [](const std::string& kind, const std::string& bias) {
    const auto model =
        Model::from_memory(four_outputs_file_with({{"zero_shot", kind}, {"logit_bias", bias}}), "tiny").take();
    return model->logit_rule();
  };
  for (const char* bias : {"0", "-16.545835", "7", ".5", "5.", "1e-05", "-2.5E+3", "0.1234567890123456789012", "1e290",
                           "123456789012345678901234"}) {
    REQUIRE_MESSAGE(rule("sigmoid", bias).ok(), bias);
    CHECK(rule("sigmoid", bias).value().bias() == doctest::Approx(std::strtod(bias, nullptr)));
  }
  for (const char* bias :
       {"", "-", ".", "e5", "1e", "1e+-3", "1x", "nan", "inf", " 1", "1e300", "1e99999999999", "--1"}) {
    CHECK_MESSAGE(rule("sigmoid", bias).status().code() == Code::corrupt_file, bias);
    CHECK(rule("sigmoid", bias).status().message().find("logit_bias") != std::string::npos);
  }
  CHECK(rule("both", "1").status().message().find("zero_shot") != std::string::npos);
}

TEST_CASE("C++17: a view is of whatever has data and size") {
  std::vector<int> numbers{1, 2, 3};
  const View<const int> view = numbers;
  CHECK(view.size() == 3);
  CHECK(view[2] == 3);
  CHECK(view.front() + view.back() == 4);
  CHECK(View<const char>(std::string_view("ab")).size() == 2);
  CHECK(View<const int>().empty());
  static_assert(!std::is_convertible_v<std::vector<long>, View<const int>>);
  static_assert(!std::is_convertible_v<const std::vector<int>&, View<int>>);
}

TEST_CASE("C++17: pictures from memory") {
  const std::string text = "P5 2 1 255\nab";
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  const auto picture = decode_picture(bytes, "grey.pgm");
  REQUIRE(picture.ok());
  CHECK(picture.value().rgb == std::vector<std::uint8_t>{'a', 'a', 'a', 'b', 'b', 'b'});
}

}  // namespace
}  // namespace intvit::test
