// Mistakes of the caller's: a Status where one is returned, elsewhere the end of the process with the rule's name.
#include "intvit/rules.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "intvit/isa.h"
#include "intvit/session.h"
#include "tests/engine/tiny_model.h"
#include "tests/engine/tiny_ports.h"

namespace intvit::test {
namespace {

// What `act` writes to stderr before abort() ends it; empty if it does not.
template <typename Act>
std::string last_words(const Act& act) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // doctest would report a failure of its own
    dup2(ends[1], 2);
    act();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t count; (count = read(ends[0], part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(count));
  close(ends[0]);
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  return WIFSIGNALED(state) && WTERMSIG(state) == SIGABRT ? text : "";
}

template <typename Act>
void ends_with(const std::string& rule, const Act& act) {
  const std::string text = last_words(act);
  CHECK_MESSAGE(text.find("intvit: " + rule) != std::string::npos, "expected '" << rule << "', got '" << text << "'");
}

std::unique_ptr<Session> session_of_ports() {
  SessionOptions options;
  options.batch = 4;
  auto model = Model::from_memory(encode_model(with_four_outputs().program, {}), "ports");
  REQUIRE(model.ok());
  auto session = Session::create(model.take(), options);
  REQUIRE(session.ok());
  return session.take();
}

TEST_CASE("rules: a Result without a value, and why") {
  ends_with("Result::value() needs a value; ask ok() first. The error was: no such thing", [] {
    Result<int> failed(Code::not_found, "no such thing");
    static_cast<void>(failed.value());
  });
  ends_with("Result::value() needs a value; ask ok() first", [] {
    const Result<int> failed(Code::not_found, "no such thing");
    static_cast<void>(failed.value());
  });
  ends_with("Result::take() needs a value; ask ok() first", [] { Result<int>(Code::io, "x").take(); });
  ends_with("Result::take() needs a value, and this one was moved out before", [] {
    Result<std::string> result(std::string("text"));
    static_cast<void>(result.take());
    static_cast<void>(result.take());
  });
  ends_with("Result::value() needs a value, and this one was moved out before", [] {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(1));
    const Result<std::unique_ptr<int>> other(std::move(result));
    static_cast<void>(result.value());  // NOLINT: that is what is tested
  });
}

TEST_CASE("results: moved and taken ones are not ok, copies are") {
  Result<std::string> result(std::string(100, 'x'));
  const Result<std::string> copy = result;
  Result<std::string> moved = std::move(result);
  CHECK(!result.ok());  // NOLINT: that is what is tested
  CHECK(!result.status().ok());
  CHECK(copy.value() == moved.value());
  CHECK(moved.take() == std::string(100, 'x'));
  CHECK(!moved.ok());
  moved = copy;
  CHECK(moved.ok());
  CHECK(moved.status().ok());
  Result<std::string> failed(Code::io, "cannot");
  moved = std::move(failed);
  CHECK(moved.status().message() == "cannot");
  CHECK(!failed.ok());  // NOLINT: that is what is tested
}

TEST_CASE("rules: indices that do not exist end the process, and say what does") {
  const auto session = session_of_ports();
  session->run(4);
  const OutputView tokens = session->output(0, 2);
  REQUIRE(tokens.type == DataType::s16);
  ends_with("Session::picture(): picture 4 does not exist; there are 4", [&] { session->picture(4)[0] = 1; });
  ends_with("Session::picture(): picture -1 does not exist", [&] { session->picture(-1)[0] = 1; });
  ends_with("Session::output(): picture 4 does not exist", [&] { static_cast<void>(session->output(4, 0)); });
  ends_with("Session::output(): output 4 does not exist", [&] { static_cast<void>(session->output(0, 4)); });
  ends_with("Session::logits(): picture -3 does not exist", [&] { static_cast<void>(session->logits(-3)); });
  ends_with("Session::step_times(): thread 1 does not exist", [&] { static_cast<void>(session->step_times(0, 1)); });
  ends_with("OutputView::row(): row " + std::to_string(tokens.rows), [&] { tokens.row<std::int16_t>(tokens.rows); });
  ends_with("OutputView::row<T>(): T must be the type", [&] { tokens.row<std::uint8_t>(0); });
  ends_with("OutputView::at(): column -1 does not exist", [&] { tokens.at(0, -1); });
  ends_with("OutputView::row(): row -1 does not exist", [&] { tokens.at(-1, 0); });
  ends_with("View: element 16 does not exist; there are 16",
            [&] { static_cast<void>(tokens.row<std::int16_t>(0)[16]); });
  ends_with("View: element 0 does not exist; there are 0", [] { static_cast<void>(View<const int>()[0]); });
  CHECK(last_words([&] { static_cast<void>(session->output(3, 3)); }).empty());
}

TEST_CASE("session: one of a single thread works in a child, with the same bits") {
  const auto session = session_of_ports();
  session->run();
  const std::vector<std::int32_t> expected(session->logits(0).begin(), session->logits(0).end());
  // The rule that a wrong answer breaks is this test's own.
  const std::string wrong = last_words([&] {
    session->run();
    if (!std::equal(expected.begin(), expected.end(), session->logits(0).begin())) rules::broken("other bits");
    const auto own = Session::create(tiny_model(), {});
    if (!own.ok()) rules::broken("no session in a child");
  });
  CHECK(wrong == "");
}

TEST_CASE("session: one of several threads says that it does not work in a child") {
  SessionOptions options;
  options.threads = 3;
  auto session = Session::create(tiny_model(), options);
  REQUIRE(session.ok());
  session.value()->run();
  const std::vector<std::int32_t> expected(session.value()->logits(0).begin(), session.value()->logits(0).end());
  ends_with("a session of several threads runs only in the process that created it; create one after fork()", [&] {
    alarm(20);  // instead of waiting for ever
    const Status status = session.value()->try_run(1);
    session = Status(Code::io, "ended");  // neither does its destructor wait
    if (status.code() == Code::invalid_argument) rules::broken(status.message().c_str());
  });
  ends_with("a session of several threads runs only", [&] {
    alarm(20);
    session.value()->run();
  });
  session.value()->run();
  CHECK(std::equal(expected.begin(), expected.end(), session.value()->logits(0).begin()));
}

TEST_CASE("rules: an executor that calls nothing ends run()") {
  SessionOptions options;
  options.executor = {[](void*, void (*)(void*, int), void*, int) {}, nullptr};
  const auto session = Session::create(tiny_model(), options);
  REQUIRE(session.ok());
  ends_with("the executor must call every task once", [&] { session.value()->run(); });
}

TEST_CASE("rules: where a Status is returned, mistakes are statuses") {
  const auto none = Session::create(nullptr, {});
  CHECK(none.status().code() == Code::invalid_argument);
  CHECK(none.status().message().find("null pointer") != std::string::npos);
  const auto session = session_of_ports();
  const std::vector<std::uint8_t> pixels(4 * 4 * 3);
  for (const int index : {-1, 4, 1 << 30}) {
    const Status status = session->set_picture(index, {pixels.data(), 4, 4, 12});
    CHECK(status.code() == Code::invalid_argument);
    CHECK(status.message().find("the session's batch is 4") != std::string::npos);
  }
  CHECK(session->set_picture(3, {pixels.data(), 4, 4, 12}).ok());
  for (const int count : {-1, 0, 5}) {
    CHECK(session->try_run(count).code() == Code::invalid_argument);
  }
  CHECK(session->try_run(4).ok());
  SessionOptions unknown;
  unknown.isa = static_cast<Isa>(77);
  CHECK(isa_name(static_cast<Isa>(77)) == "unknown");
  CHECK(Session::create(tiny_model(), unknown).status().code() == Code::invalid_argument);
}

}  // namespace
}  // namespace intvit::test
