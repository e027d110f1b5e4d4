#include "tools/common/pictures/classifier.h"

#include <new>
#include <utility>

#include "intvit/picture.h"

namespace intvit {

Classifier::Classifier(std::unique_ptr<Session> session, const PictureOptions& options)
    : session_(std::move(session)), options_(options) {}

Result<Classifier> Classifier::create(std::shared_ptr<const Model> model, Isa isa, int threads,
                                      const PictureOptions& picture_options) {
  SessionOptions options;
  options.threads = threads;
  options.isa = isa;
  Result<std::unique_ptr<Session>> session = Session::create(std::move(model), options);
  if (!session.ok()) return session.status();
  return Classifier(session.take(), picture_options);
}

Status Classifier::run(const std::string& path) {
  try {
    // A block of its own, since some decoders hold more than everything that the session needs.
    {
      const Result<std::unique_ptr<PictureReader>> picture = PictureReader::open(path, options_);
      if (!picture.ok()) return picture.status();
      remarks_ = picture.value()->remarks();
      const Status status = session_->set_picture(0, *picture.value());
      if (!status.ok()) {
        // Only the reader's own messages name the picture.
        const bool is_named = status.message().starts_with(path + ": ");
        return {status.code(), is_named ? status.message() : path + ": " + status.message()};
      }
    }
    session_->run();
    return {};
  } catch (const std::bad_alloc&) {
    return {Code::out_of_memory, path + ": not enough memory for this picture"};
  }
}

}  // namespace intvit
