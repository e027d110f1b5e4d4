// From a picture file to the outputs of a model: decode, preprocess straight into the session's memory, run. One per
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "intvit/picture.h"
#include "intvit/session.h"
#include "tools/common/pictures/prepared_picture.h"

namespace intvit {

class Classifier {
 public:
  // Runs a session of one picture at a time.
  Classifier(std::unique_ptr<Session> session, const PictureOptions& options);

  // The fitting part of Session::create's errors.
  static Result<Classifier> create(std::shared_ptr<const Model> model, Isa isa, int threads,
                                   const PictureOptions& options = {});

  // The message names the picture.
  Status run(const std::string& path);
  // The same of one that was prepared for this model. Its error, if it has one.
  Status run(const PreparedPicture& picture);

  // The same of pixels; `name` is for the message.
  Status run(const std::string& name, const PictureView& picture);

  // Of the picture of the last run().
  const PictureRemarks& remarks() const { return remarks_; }

  Isa isa() const { return session_->isa(); }
  int threads() const { return session_->threads(); }

  // Place 0 has the last run() that was ok.
  const Session& session() const { return *session_; }
  // Its pixels, u8 [input_height][input_width][3].
  const std::uint8_t* pixels() const { return session_->picture(0); }

 private:
  std::unique_ptr<Session> session_;
  PictureOptions options_;
  PictureRemarks remarks_;
};

}  // namespace intvit
