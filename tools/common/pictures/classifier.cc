#include "tools/common/pictures/classifier.h"

#include <new>
#include <utility>

#include "intvit/picture.h"

namespace intvit {

Classifier::Classifier(std::unique_ptr<Session> session) : session_(std::move(session)) {}

Result<Classifier> Classifier::create(std::shared_ptr<const Model> model, Isa isa, int threads) {
  SessionOptions options;
  options.threads = threads;
  options.isa = isa;
  Result<std::unique_ptr<Session>> session = Session::create(std::move(model), options);
  if (!session.ok()) return session.status();
  return Classifier(session.take());
}

Status Classifier::run(const std::string& path) {
  try {
    // A block of its own, since the decoded picture may be larger than everything that the session needs.
    {
      const Result<Picture> picture = read_picture(path);
      if (!picture.ok()) return picture.status();
      const Status status = session_->set_picture(0, picture.value().view());
      if (!status.ok()) return {status.code(), path + ": " + status.message()};
    }
    session_->run();
    return {};
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, path + ": not enough memory for this picture"};
  }
}

}  // namespace intvit
