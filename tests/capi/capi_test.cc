// The C interface beyond what a C program of its own says (c11_program.c): structs of other versions, errors of
// threads, callbacks, memory.
#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "intvit/intvit.h"
#include "intvit/session.h"
#include "tests/capi/c11_program.h"
#include "tests/capi/last_error.h"
#include "tests/capi/tiny_files.h"
#include "tests/engine/count_allocations.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Close {
  void operator()(intvit_model* model) const { intvit_model_close(model); }
  void operator()(intvit_session* session) const { intvit_session_close(session); }
};
using ModelHandle = std::unique_ptr<intvit_model, Close>;
using SessionHandle = std::unique_ptr<intvit_session, Close>;

ModelHandle open_tiny() {
  static const Bytes file = four_outputs_file();
  intvit_model* model = nullptr;
  REQUIRE(intvit_model_from_memory(file.data(), file.size(), "tiny", nullptr, &model) == INTVIT_OK);
  return ModelHandle(model);
}

SessionHandle make_session(const intvit_model* model, const intvit_session_options& options) {
  intvit_session* session = nullptr;
  const intvit_status status = intvit_session_create(model, &options, &session);
  REQUIRE_MESSAGE(status == INTVIT_OK, intvit_last_error());
  return SessionHandle(session);
}

std::vector<std::int32_t> run(intvit_session* session, int place, std::uint64_t seed) {
  const Bytes picture = four_outputs_picture(seed);
  REQUIRE(intvit_session_set_input(session, place, picture.data(), picture.size()) == INTVIT_OK);
  REQUIRE(intvit_session_run(session, place + 1) == INTVIT_OK);
  const std::int32_t* logits = nullptr;
  std::size_t count = 0;
  REQUIRE(intvit_session_logits(session, place, &logits, &count) == INTVIT_OK);
  return {logits, logits + count};
}

TEST_CASE("C: a program in C11 uses every call") {
  const Bytes file = four_outputs_file();
  const char* wrong = c11_use_model(file.data(), file.size());
  CHECK_MESSAGE(wrong == nullptr, wrong);
  wrong = c11_use_nulls();
  CHECK_MESSAGE(wrong == nullptr, wrong);
}

TEST_CASE("C: the same integers as C++") {
  const Bytes file = four_outputs_file();
  auto session = Session::create(Model::from_memory(file, "tiny").take(), {});
  REQUIRE(session.ok());
  const Bytes picture = four_outputs_picture(4);
  std::memcpy(session.value()->picture(0), picture.data(), picture.size());
  session.value()->run();
  const View<const std::int32_t> logits = session.value()->logits(0);
  const ModelHandle model = open_tiny();
  const SessionHandle own = make_session(model.get(), INTVIT_SESSION_OPTIONS_INIT);
  CHECK(run(own.get(), 0, 4) == std::vector<std::int32_t>(logits.begin(), logits.end()));
}

// A struct of a caller whose header is newer: some bytes more.
template <typename T>
struct Longer {
  T known;
  std::uint8_t more[16] = {};
};

// `call` takes a pointer to the struct. Those that go in must have nothing but zeros that this version does not know.
template <typename T, typename Call>
void check_sizes(const T& good, const char* type, bool goes_in, const Call& call, std::size_t first_size = sizeof(T)) {
  T first = good;
  first.struct_size = first_size;
  CHECK_MESSAGE(call(&first) == INTVIT_OK, type);
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, first_size - 8, std::size_t{5000}, SIZE_MAX}) {
    T bad = good;
    bad.struct_size = size;
    CHECK(call(&bad) == INTVIT_INVALID_ARGUMENT);
    CHECK_MESSAGE(error_says("set it to sizeof(" + std::string(type) + ")"), intvit_last_error());
  }
  Longer<T> longer{good};
  longer.known.struct_size = sizeof longer;
  CHECK_MESSAGE(call(&longer.known) == INTVIT_OK, type);
  longer.known = good;
  longer.known.struct_size = sizeof longer;
  longer.more[15] = 1;
  if (goes_in) {
    CHECK(call(&longer.known) == INTVIT_UNSUPPORTED);
    CHECK(error_says(type));
  } else {
    CHECK(call(&longer.known) == INTVIT_OK);
    CHECK(longer.more[15] == 0);
    CHECK(longer.known.struct_size == sizeof longer);
  }
}

TEST_CASE("C: structs of other versions") {
  const Bytes file = four_outputs_file();
  const ModelHandle model = open_tiny();
  const SessionHandle session = make_session(model.get(), INTVIT_SESSION_OPTIONS_INIT);
  check_sizes<intvit_model_options>(INTVIT_MODEL_OPTIONS_INIT, "intvit_model_options", true, [&](const auto* options) {
    intvit_model* made = nullptr;
    const intvit_status status = intvit_model_from_memory(file.data(), file.size(), "tiny", options, &made);
    CHECK((made == nullptr) == (status != INTVIT_OK));
    intvit_model_close(made);
    return status;
  });
  check_sizes<intvit_session_options>(
      INTVIT_SESSION_OPTIONS_INIT, "intvit_session_options", true,
      [&](const auto* options) {
        intvit_session* made = nullptr;
        const intvit_status status = intvit_session_create(model.get(), options, &made);
        CHECK((made == nullptr) == (status != INTVIT_OK));
        intvit_session_close(made);
        return status;
      },
      offsetof(intvit_session_options, attention_layers));
  check_sizes<intvit_input>(INTVIT_INPUT_INIT, "intvit_input", false,
                            [&](auto* input) { return intvit_model_input(model.get(), input); });
  check_sizes<intvit_port>(INTVIT_PORT_INIT, "intvit_port", false,
                           [&](auto* port) { return intvit_model_output(model.get(), 0, port); });
  check_sizes<intvit_output>(INTVIT_OUTPUT_INIT, "intvit_output", false,
                             [&](auto* output) { return intvit_session_output(session.get(), 0, 0, output); });
  check_sizes<intvit_logit_rule>(INTVIT_LOGIT_RULE_INIT, "intvit_logit_rule", false,
                                 [&](auto* rule) { return intvit_model_logit_rule(model.get(), rule); });
  check_sizes<intvit_attention_layer>(INTVIT_ATTENTION_LAYER_INIT, "intvit_attention_layer", false,
                                      [&](auto* layer) { return intvit_model_attention(model.get(), 0, layer); });
  const Bytes pixels(4 * 4 * 3);
  check_sizes<intvit_pixels>({sizeof(intvit_pixels), pixels.data(), 4, 4, 12, INTVIT_RGB}, "intvit_pixels", true,
                             [&](auto* view) { return intvit_session_set_picture(session.get(), 0, view); });
}

TEST_CASE("C: pictures that cannot be are refused") {
  const ModelHandle model = open_tiny();
  const SessionHandle session = make_session(model.get(), INTVIT_SESSION_OPTIONS_INIT);
  const Bytes bytes(4 * 4 * 4);
  const intvit_pixels good{sizeof good, bytes.data(), 4, 4, 12, INTVIT_RGB};
  const auto refused = [&](auto change, const std::string& part, int index = 0) {
    intvit_pixels bad = good;
    change(bad);
    CHECK(intvit_session_set_picture(session.get(), index, &bad) == INTVIT_INVALID_ARGUMENT);
    CHECK_MESSAGE(error_says(part), intvit_last_error());
  };
  CHECK(intvit_session_set_picture(session.get(), 0, &good) == INTVIT_OK);
  refused([](intvit_pixels& p) { p.stride = 11; }, "12) bytes apart");
  refused([](intvit_pixels& p) { p.stride = PTRDIFF_MIN; }, "bytes apart");
  refused([](intvit_pixels& p) { p.stride = PTRDIFF_MAX; }, "bytes apart");
  refused([](intvit_pixels& p) { p.format = 5; }, "pixel format 5");
  refused([](intvit_pixels& p) { p.pixels = nullptr; }, "null pointer");
  refused([](intvit_pixels& p) { p.width = 0; }, "0 x 4");
  refused([](intvit_pixels& p) { p.height = -2; }, "4 x -2");
  refused([](intvit_pixels& p) { p.width = p.height = INT32_MAX; }, "2147483647 x 2147483647");
  refused([](intvit_pixels&) {}, "picture 1 does not exist", 1);
  refused([](intvit_pixels&) {}, "picture -1 does not exist", -1);
  CHECK(intvit_session_set_picture(session.get(), 0, nullptr) == INTVIT_INVALID_ARGUMENT);
  CHECK(intvit_session_set_input(session.get(), 0, bytes.data(), SIZE_MAX) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("18446744073709551615 bytes"));
}

TEST_CASE("C: options that cannot be are refused") {
  const ModelHandle model = open_tiny();
  const auto refused = [&](auto change, intvit_status expected, const std::string& part) {
    intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
    change(options);
    intvit_session* session = reinterpret_cast<intvit_session*>(8);
    CHECK(intvit_session_create(model.get(), &options, &session) == expected);
    CHECK(session == nullptr);
    CHECK_MESSAGE(error_says(part), intvit_last_error());
  };
  refused([](intvit_session_options& o) { o.threads = 0; }, INTVIT_INVALID_ARGUMENT, "0 threads");
  refused([](intvit_session_options& o) { o.threads = 1025; }, INTVIT_INVALID_ARGUMENT, "1024");
  refused([](intvit_session_options& o) { o.batch = -1; }, INTVIT_INVALID_ARGUMENT, "batch of -1");
  refused([](intvit_session_options& o) { o.isa = "sse2"; }, INTVIT_INVALID_ARGUMENT, "'sse2' is unknown");
  refused([](intvit_session_options& o) { o.isa = "neon"; }, INTVIT_UNSUPPORTED_CPU, "'neon'");
  intvit_model_options options = INTVIT_MODEL_OPTIONS_INIT;
  options.storage = 3;
  intvit_model* none = reinterpret_cast<intvit_model*>(8);
  CHECK(intvit_model_open("x", &options, &none) == INTVIT_INVALID_ARGUMENT);
  CHECK(none == nullptr);
  CHECK(error_says("storage 3"));
}

TEST_CASE("C: an error's text is the thread's own, stays until the next error and is never too long") {
  const ModelHandle model = open_tiny();
  CHECK(intvit_session_run(nullptr, 1) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("the session is NULL"));
  std::string others;
  std::thread([&] {
    others = intvit_last_error();
    intvit_model* none = nullptr;
    const std::string path(5000, 'x');
    static_cast<void>(intvit_model_open(path.c_str(), nullptr, &none));
    others += "|" + std::string(intvit_last_error());
  }).join();
  CHECK(others.substr(0, 1) == "|");
  CHECK(others.size() == 1 + 1023);
  intvit_port port = INTVIT_PORT_INIT;
  CHECK(intvit_model_output(model.get(), 0, &port) == INTVIT_OK);
  CHECK(error_says("the session is NULL"));
}

TEST_CASE("C: log and executor are the caller's, and an exception of theirs does not get out") {
  const Bytes file = four_outputs_file();
  std::vector<std::string> lines;
  const intvit_log_function note = [](void* context, int level, const char* message) {
    static_cast<std::vector<std::string>*>(context)->push_back(std::to_string(level) + " " + message);
  };
  intvit_model_options options = INTVIT_MODEL_OPTIONS_INIT;
  options.log = note;
  options.log_context = &lines;
  intvit_model* opened = nullptr;
  REQUIRE(intvit_model_from_memory(file.data(), file.size(), "tiny", &options, &opened) == INTVIT_OK);
  const ModelHandle model(opened);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("0 model 'tiny'"));
  intvit_session_options asked = INTVIT_SESSION_OPTIONS_INIT;
  asked.threads = 3;
  asked.log = note;
  asked.log_context = &lines;
  asked.executor = [](void* context, void (*task)(void*, int), void* data, int count) {
    ++*static_cast<int*>(context);
    for (int i = count - 1; i >= 0; --i) task(data, i);
  };
  int calls = 0;
  asked.executor_context = &calls;
  const SessionHandle session = make_session(model.get(), asked);
  CHECK(lines.back().starts_with("0 session: "));
  CHECK(run(session.get(), 0, 2) == run(make_session(model.get(), INTVIT_SESSION_OPTIONS_INIT).get(), 0, 2));
  CHECK(calls > 1);

  asked.executor = [](void*, void (*)(void*, int), void*, int) { throw std::runtime_error("no pool"); };
  const SessionHandle throwing = make_session(model.get(), asked);
  CHECK(intvit_session_run(throwing.get(), 1) == INTVIT_INVALID_ARGUMENT);
  CHECK(error_says("threw an exception"));
  options.log = [](void*, int, const char*) { throw 1; };
  opened = nullptr;
  CHECK(intvit_model_from_memory(file.data(), file.size(), "tiny", &options, &opened) == INTVIT_INVALID_ARGUMENT);
  CHECK(opened == nullptr);
}

TEST_CASE("C: sessions of one model in eight threads have the same bits") {
  const ModelHandle model = open_tiny();
  const SessionHandle one = make_session(model.get(), INTVIT_SESSION_OPTIONS_INIT);
  std::vector<std::vector<std::int32_t>> expected;
  for (std::uint64_t seed = 0; seed < 4; ++seed) expected.push_back(run(one.get(), 0, seed));
  std::vector<int> wrong(8);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
      options.threads = 1 + t % 2;
      intvit_session* session = nullptr;
      int& bad = wrong[static_cast<std::size_t>(t)];
      if (intvit_session_create(model.get(), &options, &session) != INTVIT_OK) bad = 1000;
      for (std::uint64_t i = 0; session != nullptr && i < 20; ++i) {
        const Bytes picture = four_outputs_picture(i % 4);
        const std::int32_t* logits = nullptr;
        std::size_t count = 0;
        bad += intvit_session_set_input(session, 0, picture.data(), picture.size()) != INTVIT_OK;
        bad += intvit_session_run(session, 1) != INTVIT_OK;
        bad += intvit_session_logits(session, 0, &logits, &count) != INTVIT_OK;
        bad += std::vector<std::int32_t>(logits, logits + count) != expected[i % 4];
      }
      intvit_session_close(session);
    });
  }
  threads.clear();
  CHECK(wrong == std::vector<int>(8));
}

TEST_CASE("C: neither a run nor reading its outputs allocates") {
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer owns malloc");
    return;
  }
  const ModelHandle model = open_tiny();
  intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
  options.threads = options.batch = 2;
  const SessionHandle session = make_session(model.get(), options);
  const Bytes picture = four_outputs_picture(1);
  const std::uint64_t before = allocation_count();
  int failures = 0;
  for (int i = 0; i < 5; ++i) {
    const std::int32_t* logits = nullptr;
    std::size_t count = 0;
    intvit_class best[5];
    intvit_output output = INTVIT_OUTPUT_INIT;
    failures += intvit_session_set_input(session.get(), i % 2, picture.data(), picture.size());
    failures += intvit_session_run(session.get(), 1 + i % 2);
    failures += intvit_session_logits(session.get(), 0, &logits, &count);
    failures += intvit_session_top_k(session.get(), 0, best, 5, &count);
    failures += intvit_session_output(session.get(), 0, 3, &output);
  }
  CHECK(allocation_count() == before);
  CHECK(failures == 0);
}

// Pages that the process has in memory.
std::int64_t resident_bytes() {
  std::int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096;
}

TEST_CASE("C: a thousand models and sessions leave nothing behind") {
  const Bytes file = four_outputs_file();
  const auto cycle = [&] {
    const ModelHandle model = open_tiny();
    intvit_session_options options = INTVIT_SESSION_OPTIONS_INIT;
    options.threads = 2;
    const SessionHandle session = make_session(model.get(), options);
    run(session.get(), 0, 1);
    intvit_model* none = nullptr;  // errors, too
    REQUIRE(intvit_model_from_memory(file.data(), file.size() - 1, "cut", nullptr, &none) == INTVIT_CORRUPT_FILE);
  };
  for (int i = 0; i < 20; ++i) cycle();
  const std::int64_t before = resident_bytes();
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
  const std::size_t heap_before = mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
  for (int i = 0; i < 1000; ++i) cycle();
  if (!can_count_allocations()) {
    MESSAGE("SKIPPED: a sanitizer keeps what was freed");
    return;
  }
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
  CHECK(mallinfo2().uordblks + mallinfo2().hblkhd < heap_before + 64 * 1024);  // 65 bytes a cycle
#endif
  CHECK(resident_bytes() < before + (std::int64_t{4} << 20));
}

}  // namespace
}  // namespace intvit::test
