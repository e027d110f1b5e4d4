#include "tools/common/pictures/classifier.h"

#include <algorithm>
#include <utility>

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
  const auto set_picture = [this](PictureRows& rows) { return session_->set_picture(0, rows); };
  if (Status status = read_picture_rows(path, options_, set_picture, remarks_); !status.ok()) return status;
  session_->run();
  return {};
}

Status Classifier::run(const PreparedPicture& picture) {
  if (!picture.status.ok()) return picture.status;
  remarks_ = picture.remarks;
  std::copy_n(picture.pixels.get(), picture.bytes, session_->picture(0));
  session_->run();
  return {};
}

Status Classifier::run(const std::string& name, const PictureView& picture) {
  remarks_ = {};
  if (const Status status = session_->set_picture(0, picture); !status.ok()) {
    return {status.code(), name + ": " + status.message()};
  }
  session_->run();
  return {};
}

}  // namespace intvit
