// --selftest finds a machine that computes otherwise than the one where the model was converted.
#include "tools/vitrun/selftest.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "engine/format/writer.h"
#include "engine/run/outputs_digest.h"
#include "intvit/session.h"
#include "tests/engine/tiny_ports.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/results/digest.h"

namespace intvit {
namespace {

std::shared_ptr<const Model> model_that_says(const Metadata& metadata) {
  return Model::from_memory(encode_model(test::with_four_outputs().program, metadata), "selftest").take();
}

int code_of(const Metadata& metadata, std::string& text) {
  VitrunOptions options;
  options.threads = 1;
  std::ostringstream out;
  const Result<int> code = run_selftest(options, model_that_says(metadata), out);
  REQUIRE(code.ok());
  text = out.str();
  return code.value();
}

TEST_CASE("selftest: the stored digest decides, else the runs among themselves") {
  const auto session = Session::create(model_that_says({}), {.isa = Isa::scalar});
  const std::string digest = hex64(selftest_digest(*session.value()).value());
  std::string text;
  CHECK(code_of({{"selftest_digest", digest}}, text) == kExitOk);
  CHECK(text.find("all are the digest in the model, " + digest) != std::string::npos);
  CHECK(code_of({{"selftest_digest", "0123456789abcdef"}}, text) == kExitCheckFailed);
  CHECK(text.find("runs differ") != std::string::npos);
  CHECK(code_of({}, text) == kExitOk);
  CHECK(text.find("has no digest") != std::string::npos);
}

}  // namespace
}  // namespace intvit
