// Training by gradients that is interrupted and goes on.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "converter/observe/picture_source.h"
#include "converter/optimise/training_state.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

struct Interrupted {};

// A conversion that keeps its state in a file, and may be interrupted.
class Resumed {
 public:
  Resumed() : network_(random_network(small_vit(), 31)) {
    options_.method = "adfq";
    options_.weight_bits = options_.activation_bits = 4;
    options_.threads = 2;
    options_.optimise_settings = {"modules.iterations=4", "modules.batch=2", "network.iterations=12",
                                  "network.batch=2"};
    options_.optimise_modules = options_.optimise_network = true;
  }
  ~Resumed() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  std::vector<std::string> notes;

  Result<TrainingState> state(const std::string& key = "1") {
    return TrainingState::open(path_, {{"number", key}}, [this](const std::string& note) { notes.push_back(note); });
  }

  // The file of a whole conversion; of one that is interrupted in front of unit `done` of `stage`, an empty one.
  std::vector<std::uint8_t> run(TrainingState* state, const std::string& stage = "", int done = 0) {
    options_.training = state;
    stages_.clear();
    SyntheticPictures pictures(8, network_.preprocessing.height, network_.preprocessing.width, 5);
    try {
      Result<Conversion> conversion = convert(network_, pictures, options_, [&](const std::string& now, int at, int) {
        ++stages_[now];
        if (now == stage && at == done) throw Interrupted();
      });
      REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
      return conversion.take().file;
    } catch (const Interrupted&) {
      return {};
    }
  }
  // How often progress was told of it in the last run.
  int steps(const std::string& stage) { return stages_[stage]; }

 private:
  const std::string path_ = "/tmp/intvit_optimise_test." + std::to_string(getpid());
  FloatNetwork network_;
  ConvertOptions options_;
  std::map<std::string, int> stages_;
};

}  // namespace

TEST_CASE("an interrupted training goes on where it was, and ends with the same bytes") {
  Resumed conversion;
  const std::vector<std::uint8_t> whole = conversion.run(nullptr);
  const auto interrupt = [&](const std::string& stage, int done) {
    Result<TrainingState> state = conversion.state();
    REQUIRE_MESSAGE(state.ok(), state.status().message());
    CHECK(conversion.run(&state.value(), stage, done).empty());
  };
  interrupt("optimising modules", 9);  // in the third of four modules
  interrupt("optimising modules", 5);  // counted from there: in the fourth
  CHECK(conversion.steps("choosing quantizers") == 0);
  interrupt("optimising the network", 7);
  CHECK(conversion.steps("optimising modules") == 4);
  Result<TrainingState> state = conversion.state();
  REQUIRE(state.ok());
  CHECK(conversion.run(&state.value()) == whole);
  CHECK(conversion.steps("optimising modules") == 0);
  CHECK(conversion.steps("optimising the network") == 7);  // from the fifth iteration's state on
  // What is whole needs nothing but the rounding.
  CHECK(conversion.run(&state.value()) == whole);
  CHECK(conversion.steps("optimising the network") == 0);
  CHECK(conversion.notes.empty());
  state.value().remove();
  CHECK_FALSE(std::filesystem::exists(conversion.path()));
}

TEST_CASE("a state of training of something else, or a damaged one, is refused") {
  Resumed conversion;
  {
    Result<TrainingState> state = conversion.state();
    REQUIRE(state.ok());
    conversion.run(&state.value(), "optimising the network", 6);
  }
  const Status other = conversion.state("2").status();
  CHECK(other.code() == Code::invalid_argument);
  CHECK(other.message().find("is of another number; remove it") != std::string::npos);
  std::ifstream in(conversion.path(), std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto refused = [&](const std::string& bytes) {
    std::ofstream(conversion.path(), std::ios::binary) << bytes;
    const Status status = conversion.state().status();
    return status.code() == Code::corrupt_file && status.message().find("no state of --optimise") != std::string::npos;
  };
  CHECK(refused(all.substr(0, all.size() / 2)));
  CHECK(refused("x"));
  std::string flipped = all;
  flipped[all.size() / 3] ^= 1;
  CHECK(refused(flipped));
}

TEST_CASE("entries that do not fit their part are trained anew") {
  Resumed conversion;
  const std::vector<std::uint8_t> whole = conversion.run(nullptr);
  Result<TrainingState> state = conversion.state();
  REQUIRE(state.ok());
  conversion.run(&state.value(), "optimising the network", 6);
  const std::string module = *state.value().find(TrainingState::kFirstModule),
                    network = *state.value().find(TrainingState::kNetwork);
  state.value().keep(TrainingState::kFirstModule, module.substr(4));
  state.value().keep(TrainingState::kFirstModule + 1, module + "more");
  std::string not_finite = network;
  for (std::size_t i = network.size() - 8; i < network.size(); ++i) not_finite[i] = '\xff';
  state.value().keep(TrainingState::kNetwork, not_finite);
  CHECK(conversion.run(&state.value()) == whole);
  CHECK(conversion.steps("optimising the network") == 12);
  CHECK(conversion.steps("optimising modules") > 0);
}

TEST_CASE("a state of training that cannot be written ends nothing, and is told once") {
  Resumed conversion;
  std::filesystem::create_directory(conversion.path());
  std::vector<std::string> notes;
  Result<TrainingState> state =
      TrainingState::open(conversion.path() + "/no/file", {}, [&](const std::string& note) { notes.push_back(note); });
  REQUIRE(state.ok());
  CHECK_FALSE(conversion.run(&state.value()).empty());
  CHECK(notes.size() == 1);
}
