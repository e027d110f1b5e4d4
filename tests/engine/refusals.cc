#include "tests/engine/refusals.h"

#include "engine/format/writer.h"
#include "intvit/model.h"

namespace intvit::test {
namespace {

Result<std::shared_ptr<const Model>> load_changed(const std::function<void(TinyProgram&)>& change,
                                                  const TinyOptions& options) {
  TinyProgram tiny = make_tiny_program(options);
  change(tiny);
  return Model::from_memory(encode_model(tiny.program, tiny_metadata(options)), "test");
}

}  // namespace

void refuses(const std::string& reason, const std::function<void(TinyProgram&)>& change, const TinyOptions& options) {
  const auto model = load_changed(change, options);
  INFO("expected to be refused because of: " << reason);
  REQUIRE(!model.ok());
  CHECK(model.status().code() == Code::corrupt_file);
  CHECK_MESSAGE(model.status().message().find(reason) != std::string::npos, model.status().message());
}

void accepts(const std::function<void(TinyProgram&)>& change, const TinyOptions& options) {
  const auto model = load_changed(change, options);
  CHECK_MESSAGE(model.ok(), model.status().message());
}

}  // namespace intvit::test
