// Opens a model while its caller reads a picture: the checksum of the data, which takes nearly all of the time, is
// computed by a second thread. There is no model before finish(), so nothing can come from weights whose checksum was
// not compared.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "intvit/input_geometry.h"
#include "intvit/model.h"

namespace intvit {

class ModelOpening {
 public:
  // What to do with a model that is right, such as to make a session.
  using Then = std::function<void(const std::shared_ptr<const Model>&)>;

  // Checks everything but the data, and begins with those. What is wrong, finish() says. `then` is called by the second
  // thread, before finish() returns; not if something is wrong, or there is no memory for a thread.
  explicit ModelOpening(const std::string& path, Then then = nullptr);
  ~ModelOpening();
  ModelOpening(const ModelOpening&) = delete;
  ModelOpening& operator=(const ModelOpening&) = delete;

  // What the model makes of a picture's size; null where something is wrong already. Valid until finish().
  const InputGeometry* geometry() const { return geometry_; }

  // Waits for the checksum: Model::open(path), its errors included. Once.
  Result<std::shared_ptr<const Model>> finish();

 private:
  enum class Loading { under_way, failed, done };

  Status load();
  void end_loading(Loading result);
  void begin_with_model() noexcept;  // the thread's

  std::string path_;
  Then then_;
  std::unique_ptr<Model::Impl> impl_;  // the thread's once loading is done
  const InputGeometry* geometry_ = nullptr;
  std::atomic<Loading> loading_ = Loading::under_way;
  std::shared_ptr<const Model> model_;  // the thread's until it has ended
  std::jthread thread_;                 // the last one: it ends before what it reads goes
};

}  // namespace intvit
