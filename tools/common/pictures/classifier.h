// From a picture file to the outputs of a model: decode, preprocess straight into the session's memory, run. One per
// thread.
#pragma once

#include <memory>
#include <string>

#include "intvit/session.h"

namespace intvit {

class Classifier {
 public:
  // The fitting part of Session::create's errors.
  static Result<Classifier> create(std::shared_ptr<const Model> model, Isa isa, int threads);

  // The message names the picture.
  Status run(const std::string& path);

  Isa isa() const { return session_->isa(); }
  int threads() const { return session_->threads(); }

  // Place 0 has the last run() that was ok.
  const Session& session() const { return *session_; }

 private:
  explicit Classifier(std::unique_ptr<Session> session);

  std::unique_ptr<Session> session_;
};

}  // namespace intvit
