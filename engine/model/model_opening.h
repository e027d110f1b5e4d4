// Opens a model while its caller reads a picture: the checksum of the data, which takes nearly all of the time, is
// computed by a second thread. There is no model before finish(), so nothing can come from weights whose checksum was
// not compared.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "intvit/input_geometry.h"
#include "intvit/model.h"

namespace intvit {

class ModelOpening {
 public:
  // Checks everything but the data, and begins with those. What is wrong, finish() says.
  explicit ModelOpening(const std::string& path);
  ~ModelOpening();
  ModelOpening(const ModelOpening&) = delete;
  ModelOpening& operator=(const ModelOpening&) = delete;

  // What the model makes of a picture's size; null where something is wrong already. Valid until finish().
  const InputGeometry* geometry() const;

  // Waits for the checksum: Model::open(path), its errors included. Once.
  Result<std::shared_ptr<const Model>> finish();

 private:
  Status begin();

  std::string path_;
  std::unique_ptr<Model::Impl> impl_;
  bool all_but_data_is_right_ = false;
  bool data_is_right_ = false;  // the thread's until it has ended
  std::jthread thread_;         // the last one: it ends before what it reads goes
};

}  // namespace intvit
