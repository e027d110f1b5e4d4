// The check at the end of a conversion, against counts and sums made by hand.
#include "converter/errors/verify.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "intvit/session.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kVerifiedPictures = 24;

SyntheticPictures pictures_for(const FloatNetwork& network, int count, std::uint64_t seed) {
  return {count, network.preprocessing.height, network.preprocessing.width, seed};
}

// So few bits that integers and floats must disagree.
std::shared_ptr<const Model> coarse_model(const FloatNetwork& network) {
  SyntheticPictures one = pictures_for(network, 1, 3);
  ConvertOptions options;
  options.method = "minmax";
  options.weight_bits = options.activation_bits = 3;
  options.feedback = false;
  const Result<Conversion> conversion = convert(network, one, options, kSilent);
  REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
  const auto model = Model::from_memory(conversion.value().file, "test");
  REQUIRE(model.ok());
  return model.value();
}

std::vector<double> integer_logits(const std::shared_ptr<const Model>& model, PictureSource& pictures) {
  auto session = Session::create(model, {});
  REQUIRE(session.ok());
  const double unit = std::ldexp(1.0, -static_cast<int>(model->logit_fraction_bits()));
  std::vector<double> all;
  for (int i = 0; i < pictures.count(); ++i) {
    REQUIRE(pictures.read(i, session.value()->picture(0)).ok());
    session.value()->run();
    for (const std::int32_t logit : session.value()->logits(0)) all.push_back(logit * unit);
  }
  return all;
}

template <typename T>
std::ptrdiff_t most_likely(const std::vector<T>& logits, int picture, int classes) {
  const auto first = logits.begin() + static_cast<std::ptrdiff_t>(picture) * classes;
  return std::max_element(first, first + classes) - first;
}

}  // namespace

TEST_CASE("verification counts the pictures whose most likely class is the float network's, and sums the differences") {
  const FloatNetwork network = random_network(small_vit(), 13);
  const int classes = network.classes();
  const std::shared_ptr<const Model> model = coarse_model(network);
  SyntheticPictures pictures = pictures_for(network, kVerifiedPictures, 40);
  const Result<Calibration> calibrated = calibrate(network, {pictures, 1, kSilent});
  REQUIRE(calibrated.ok());
  const std::vector<float>& floats = calibrated.value().outputs[0];
  const std::vector<double> integers = integer_logits(model, pictures);
  int agreeing = 0;
  for (int i = 0; i < kVerifiedPictures; ++i) {
    agreeing += most_likely(integers, i, classes) == most_likely(floats, i, classes) ? 1 : 0;
  }
  REQUIRE(agreeing > 0);
  REQUIRE(agreeing < kVerifiedPictures);
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < floats.size(); ++i) {
    signal += static_cast<double>(floats[i]) * floats[i];
    noise += (integers[i] - floats[i]) * (integers[i] - floats[i]);
  }
  const Result<Verification> verified = verify(model, {pictures, 1, kSilent}, network.outputs, {floats});
  REQUIRE(verified.ok());
  CHECK(verified.value().pictures == kVerifiedPictures);
  CHECK(*verified.value().top1_agreement == doctest::Approx(100.0 * agreeing / kVerifiedPictures));
  REQUIRE(verified.value().outputs.size() == 1);
  CHECK(verified.value().outputs[0].output == "logits");
  CHECK(verified.value().outputs[0].sqnr_db == doctest::Approx(10 * std::log10(signal / noise)));
  CHECK_FALSE(verified.value().unseen);
  const Result<Verification> unseen = verify_unseen(model, {pictures, 2, kSilent}, network);
  REQUIRE(unseen.ok());
  CHECK(unseen.value().unseen);
  CHECK(*unseen.value().top1_agreement == *verified.value().top1_agreement);
  CHECK(unseen.value().outputs[0].sqnr_db == doctest::Approx(verified.value().outputs[0].sqnr_db));
}

TEST_CASE("verification: logits that are right agree, logits with another largest class in some pictures do not") {
  const FloatNetwork network = random_network(small_vit(), 13);
  const int classes = network.classes();
  const std::shared_ptr<const Model> model = coarse_model(network);
  SyntheticPictures pictures = pictures_for(network, 8, 41);
  const std::vector<double> integers = integer_logits(model, pictures);
  std::vector<float> floats(integers.begin(), integers.end());
  const auto agreement = [&] {
    const Result<Verification> verified = verify(model, {pictures, 1, kSilent}, network.outputs, {floats});
    REQUIRE(verified.ok());
    return *verified.value().top1_agreement;
  };
  CHECK(agreement() == 100);
  for (const int picture : {0, 3, 7}) {
    const std::ptrdiff_t largest = most_likely(floats, picture, classes);
    const auto other = static_cast<std::size_t>(picture * classes + (largest + 1) % classes);
    floats[other] = floats[static_cast<std::size_t>(picture * classes + largest)] + 1;
  }
  CHECK(agreement() == doctest::Approx(100.0 * 5 / 8));
}
