// From a picture file to its logits: decode, preprocess straight into the session's memory, run. One per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
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

  // Of the last run() that was ok.
  std::span<const std::int32_t> logits() const { return session_->logits(0); }

 private:
  explicit Classifier(std::unique_ptr<Session> session);

  std::unique_ptr<Session> session_;
};

}  // namespace intvit
