// The library as an application sees it that is built as C++17, where the library itself is C++20.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

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
