// The walks over pictures: the same bits for every number of threads, the same error, and progress that only rises.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/errors/perturbation.h"
#include "converter/errors/verify.h"
#include "converter/families/vit/random_vit.h"
#include "converter/float/forward.h"
#include "converter/observe/calibrate.h"
#include "converter/observe/histogram.h"
#include "converter/observe/segment_samples.h"
#include "engine/format/checksum.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kThreadCounts[] = {1, 2, 3, 7};
constexpr int kPictureCounts[] = {1, 2, 5};

// Pictures of rising contrast, so that histograms have to grow; those in `failing` cannot be read, the first of them
// after a while.
class Pictures : public PictureSource {
 public:
  explicit Pictures(int count, std::vector<int> failing = {}) : count_(count), failing_(std::move(failing)) {}
  int count() const override { return count_; }
  Status read(int index, std::uint8_t* pixels) override {
    if (std::find(failing_.begin(), failing_.end(), index) != failing_.end()) {
      if (index == failing_.front()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return {Code::io, "picture " + std::to_string(index)};
    }
    std::mt19937 random(static_cast<unsigned>(index));
    const unsigned contrast = index == 0 ? 1 : 8u << index;
    for (int i = 0; i < 32 * 40 * 3; ++i) {
      pixels[i] = static_cast<std::uint8_t>(128 - contrast / 4 + random() % std::min(contrast, 128u));
    }
    return {};
  }

 private:
  int count_;
  std::vector<int> failing_;
};

const FloatNetwork& network() {
  static const FloatNetwork result = random_network(small_vit(), 31);
  return result;
}

struct Contents {
  std::uint64_t count;
  double min, max;
  std::vector<std::pair<double, std::uint64_t>> bins;
  bool operator==(const Contents&) const = default;
};

Contents contents(const Histogram& histogram) {
  Contents result{histogram.count(), histogram.min(), histogram.max(), {}};
  histogram.for_each([&](double middle, std::uint64_t count) { result.bins.emplace_back(middle, count); });
  return result;
}

// Everything that a network's statistics hold.
std::vector<Contents> contents(const CalibrationStatistics& statistics) {
  std::vector<Contents> result;
  for (TensorId id = 0; id < static_cast<TensorId>(network().tensors.size()); ++id) {
    const Role role = network().at(id).role;
    if (role == Role::pixels || role == Role::probabilities) continue;
    for (const Histogram& histogram : statistics.at(id)) result.push_back(contents(histogram));
  }
  return result;
}

// Checks that a stage's progress rises from 0 to its total, or, when the walk fails, not so far; never in two threads.
class Watch {
 public:
  Progress progress() {
    return [this](const std::string& stage, int done, int total) {
      if (busy_.exchange(true)) mistake_ = true;
      const auto [last, fresh] = last_.emplace(stage, -1);
      if (done != last->second + 1 || done > total) mistake_ = true;
      last->second = done;
      std::this_thread::yield();
      busy_ = false;
    };
  }
  int last(const std::string& stage) const { return last_.at(stage); }
  bool mistaken() const { return mistake_.load(); }

 private:
  std::map<std::string, int> last_;
  std::atomic<bool> busy_{false}, mistake_{false};
};

// work(threads, pictures, progress) for all numbers of threads and of pictures.
template <typename Work>
void for_all(const Work& work) {
  for (const int threads : kThreadCounts) {
    for (const int count : kPictureCounts) {
      CAPTURE(threads);
      CAPTURE(count);
      Pictures pictures(count);
      Watch watch;
      work(threads, pictures, watch.progress());
      CHECK_FALSE(watch.mistaken());
    }
  }
}

// work(threads, pictures, progress) must fail at picture 2 of 6, whoever fails first.
template <typename Work>
void check_failure(const Work& work, const std::string& stage) {
  for (const int threads : kThreadCounts) {
    CAPTURE(threads);
    Pictures pictures(6, {2, 3, 5});
    Watch watch;
    const Status status = work(threads, pictures, watch.progress());
    CHECK(status.code() == Code::io);
    CHECK(status.message() == "picture 2");
    CHECK_FALSE(watch.mistaken());
    if (!stage.empty()) CHECK(watch.last(stage) == 2);
  }
}

}  // namespace

TEST_CASE("histograms of parts are the histogram of the whole, in any order") {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    std::vector<std::vector<float>> chunks;
    for (int i = 0; i < 6; ++i) {
      std::normal_distribution<float> normal(static_cast<float>(random() % 5) - 2,
                                             std::ldexp(1.0f, static_cast<int>(random() % 20) - 10));
      std::vector<float>& chunk = chunks.emplace_back(1 + random() % 300);
      for (float& value : chunk) value = round % 3 == 0 ? static_cast<float>(random() % 2) : normal(random);
    }
    Histogram whole;
    for (const std::vector<float>& chunk : chunks) whole.add(chunk.data(), chunk.size());
    Histogram merged;
    merged.add(chunks[0].data(), chunks[0].size());
    std::vector<Histogram> parts(3, merged.emptied());
    CHECK(parts[0].count() == 0);
    for (std::size_t i = 1; i < chunks.size(); ++i) parts[random() % 3].add(chunks[i].data(), chunks[i].size());
    std::shuffle(parts.begin(), parts.end(), random);
    Histogram later = merged.emptied();  // the first part may also come last
    for (const Histogram& part : parts) later.merge(part);
    later.merge(merged);
    for (const Histogram& part : parts) merged.merge(part);
    CHECK(contents(merged) == contents(whole));
    CHECK(contents(later) == contents(whole));
  }
}

TEST_CASE("calibration is the same for every number of threads, and what one observer sees of all pictures") {
  for_all([](int threads, Pictures& pictures, const Progress& progress) {
    CalibrationStatistics statistics(network());
    std::vector<float> logits;
    std::uint64_t checksum = 0;
    FloatForward forward(network(), 1);
    for (int i = 0; i < pictures.count(); ++i) {
      std::vector<std::uint8_t> pixels(32 * 40 * 3);
      REQUIRE(pictures.read(i, pixels.data()).ok());
      checksum = checksum64(pixels, checksum);
      const std::vector<float> of_picture = judged_output(forward, network(), pixels.data(), &statistics);
      logits.insert(logits.end(), of_picture.begin(), of_picture.end());
    }
    const Result<Calibration> calibration = calibrate(network(), {pictures, threads, progress});
    REQUIRE(calibration.ok());
    REQUIRE(calibration.value().outputs.size() == 1);
    CHECK(calibration.value().outputs[0] == logits);
    CHECK(calibration.value().checksum == checksum);
    CHECK(contents(calibration.value().statistics) == contents(statistics));
  });
  check_failure(
      [](int threads, Pictures& pictures, const Progress& progress) {
        return calibrate(network(), {pictures, threads, progress}).status();
      },
      "calibrating");
}

TEST_CASE("segments' samples are the same for every number of threads, and what each picture has there") {
  std::map<int, std::vector<std::vector<float>>> expected;  // by the number of pictures
  FloatForward forward(network(), 1);
  for_all([&](int threads, Pictures& pictures, const Progress& progress) {
    std::vector<std::vector<float>> seen, streams(static_cast<std::size_t>(pictures.count()));
    for (int i = 0; i < pictures.count(); ++i) {
      std::vector<std::uint8_t> pixels(32 * 40 * 3);
      REQUIRE(pictures.read(i, pixels.data()).ok());
      std::vector<float>& stream = streams[static_cast<std::size_t>(i)];
      forward.run_from_picture(1, pixels.data(), stream);
    }
    const Status status =
        for_each_segment(network(), {pictures, threads, progress}, [&](const SegmentSamples& samples) {
          for (const auto& [id, of_tensor] : samples.tensors) {
            seen.insert(seen.end(), of_tensor.pictures.begin(), of_tensor.pictures.end());
          }
          CHECK(samples.at(state_parts(network(), samples.segment)[0].tensor).pictures == streams);
          for (std::vector<float>& stream : streams) forward.run_segment(samples.segment, stream);
          const std::string name = network().segment(samples.segment).name + ".residual";
          CHECK(samples.at(tensor_of(network(), name)).pictures == streams);
        });
    REQUIRE(status.ok());
    const auto& first = expected.emplace(pictures.count(), seen).first->second;
    CHECK(seen == first);
  });
  CHECK(expected.at(5) != expected.at(2));
  check_failure(
      [](int threads, Pictures& pictures, const Progress& progress) {
        return for_each_segment(network(), {pictures, threads, progress}, [](const SegmentSamples&) {});
      },
      "sampling");
}

TEST_CASE("perturbations are the same for every number of threads") {
  Perturbation::Trial coarse;
  coarse.plan.residuals["blocks.0.attn.residual"].step = 0.25;
  Perturbation::Trial none;
  none.segment = 2;
  std::map<int, std::vector<double>> expected;
  for_all([&](int threads, Pictures& pictures, const Progress&) {
    const Result<Perturbation> perturbation = Perturbation::make(network(), pictures, 8, threads);
    REQUIRE(perturbation.ok());
    const std::vector<double> divergences = perturbation.value().of({coarse, none});
    CHECK(divergences[0] > 0);
    CHECK(divergences[1] == 0);
    CHECK(divergences == expected.emplace(pictures.count(), divergences).first->second);
    CHECK(perturbation.value().of({coarse})[0] == divergences[0]);
    CHECK(perturbation.value().of({}).empty());
  });
  CHECK(expected.at(5) != expected.at(2));
  check_failure([](int threads, Pictures& pictures,
                   const Progress&) { return Perturbation::make(network(), pictures, 8, threads).status(); },
                "");
}

TEST_CASE("verification is the same for every number of threads") {
  SyntheticPictures calibration(2, 32, 40, 3);
  const Result<Conversion> conversion = convert(network(), calibration, {.plan = {}}, kSilent);
  REQUIRE(conversion.ok());
  const Result<std::shared_ptr<const Model>> model = Model::from_memory(conversion.value().file, "test");
  REQUIRE(model.ok());
  const std::vector<std::vector<float>> logits = {std::vector<float>(6 * 11, 0.5f)};
  std::map<int, std::tuple<int, double, double>> expected;
  for_all([&](int threads, Pictures& pictures, const Progress& progress) {
    const Result<Verification> verified =
        verify(model.value(), {pictures, threads, progress}, network().outputs, logits);
    REQUIRE(verified.ok());
    const Verification& v = verified.value();
    const std::tuple all{v.pictures, v.top1_agreement.value(), v.outputs.at(0).sqnr_db};
    CHECK(all == expected.emplace(pictures.count(), all).first->second);
  });
  CHECK(expected.at(5) != expected.at(2));
  check_failure(
      [&](int threads, Pictures& pictures, const Progress& progress) {
        return verify(model.value(), {pictures, threads, progress}, network().outputs, logits).status();
      },
      "verifying");
}
