#include "tools/common/pictures/classify_in_order.h"

#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "tools/common/pictures/classifier.h"

namespace intvit {
namespace {

std::size_t input_bytes(const Model& model) {
  return std::size_t{3} * static_cast<std::size_t>(model.input_height()) *
         static_cast<std::size_t>(model.input_width());
}

// Takes results in any order and passes them on in rising order. put() waits while a result is too far ahead. Once
// there is no memory for what becomes of them it takes no more.
class Reorder {
 public:
  Reorder(std::size_t window, const ConsumePicture& consume) : waiting_(window), consume_(consume) {}

  // Whether it was taken.
  bool put(std::size_t index, ClassifiedPicture picture) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return full_ || index < next_ + waiting_.size(); });
    if (full_) return false;
    slot(index) = {true, std::move(picture)};
    const std::size_t first = next_;
    try {
      for (; slot(next_).filled; ++next_) {
        consume_(next_, slot(next_).picture);
        slot(next_) = {};
      }
    } catch (const std::bad_alloc&) {
      full_ = true;
    }
    if (full_ || next_ != first) moved_.notify_all();
    return !full_;
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    full_ = true;
    moved_.notify_all();
  }
  // When all threads are done.
  bool full() const { return full_; }

 private:
  struct Slot {
    bool filled = false;
    ClassifiedPicture picture;
  };
  Slot& slot(std::size_t index) { return waiting_[index % waiting_.size()]; }

  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t next_ = 0;
  bool full_ = false;
  std::vector<Slot> waiting_;
  const ConsumePicture& consume_;
};

// Gives every picture to one worker.
class Queue {
 public:
  Queue(PictureFeed& pictures, const ResultParts& parts) : pictures_(pictures), parts_(parts) {}

  // Classifies until no picture is left.
  void work(Classifier& classifier, Reorder& results) {
    for (Taken taken; take(taken, results);) {
      if (!results.put(taken.index, classify(classifier, taken.picture))) return;
    }
  }
  std::size_t taken() const { return next_; }

 private:
  struct Taken {
    std::size_t index = 0;
    InputPicture picture;
  };

  bool take(Taken& taken, Reorder& results) {
    const std::lock_guard lock(mutex_);
    try {
      std::optional<InputPicture> picture = at_end_ ? std::nullopt : pictures_.next();
      at_end_ = !picture;
      if (at_end_) return false;
      taken = {next_++, *std::move(picture)};
      return true;
    } catch (const std::bad_alloc&) {
      at_end_ = true;
      results.stop();
      return false;
    }
  }

  ClassifiedPicture classify(Classifier& classifier, const InputPicture& picture) const {
    ClassifiedPicture result;
    result.name = picture.path;
    result.status = !picture.problem.ok() ? picture.problem
                    : picture.prepared    ? classifier.run(*picture.prepared)
                    : picture.frame       ? classifier.run(picture.path, picture.frame->view())
                                          : classifier.run(picture.path);
    if (!result.status.ok()) return result;
    try {
      const Session& session = classifier.session();
      result.logits.assign(session.logits(0).begin(), session.logits(0).end());
      if (parts_.outputs) result.outputs = real_outputs(session, 0);
      if (parts_.pixels) result.pixels.assign(classifier.pixels(), classifier.pixels() + input_bytes(session.model()));
      result.digest = outputs_digest(session, 0);
      result.isa = classifier.isa();
      result.threads = classifier.threads();
      result.remarks = classifier.remarks();
      return result;
    } catch (const std::bad_alloc&) {
      ClassifiedPicture failed;
      failed.name = picture.path;
      failed.status = {Code::out_of_memory, picture.path + ": not enough memory for its outputs"};
      return failed;
    }
  }

  PictureFeed& pictures_;
  ResultParts parts_;
  std::mutex mutex_;
  bool at_end_ = false;
  std::size_t next_ = 0;
};

}  // namespace

Result<Workers> classify_in_order(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                  PictureFeed& pictures, const ConsumePicture& consume, const ResultParts& parts,
                                  const PictureOptions& options, std::unique_ptr<Session> made) {
  const std::optional<std::size_t> count = pictures.count();
  const bool one_each = !count || *count > static_cast<std::size_t>(threads);
  const int workers = one_each ? threads : 1;
  std::vector<Classifier> classifiers;
  if (!one_each && made != nullptr) classifiers.emplace_back(std::move(made), options);
  while (classifiers.size() < static_cast<std::size_t>(workers)) {
    Result<Classifier> classifier = Classifier::create(model, isa, one_each ? 1 : threads, options);
    if (!classifier.ok()) return classifier.status();
    classifiers.push_back(classifier.take());
  }
  Queue queue(pictures, parts);
  Reorder results(static_cast<std::size_t>(workers) * 4, consume);
  std::vector<std::jthread> others;
  try {
    for (int i = 1; i < workers; ++i) {
      others.emplace_back([&, i] { queue.work(classifiers[static_cast<std::size_t>(i)], results); });
    }
  } catch (const std::system_error&) {
    // The threads that did start, and this one, do all the work.
  }
  queue.work(classifiers[0], results);
  const Workers done{classifiers[0].isa(), (static_cast<int>(others.size()) + 1) * classifiers[0].threads()};
  others.clear();  // joins them
  if (results.full()) {
    return Status(Code::out_of_memory, "not enough memory for the results of " + std::to_string(queue.taken()) +
                                           " pictures; run fewer at a time");
  }
  return done;
}

Result<Workers> classify_in_order(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                  std::span<const InputPicture> pictures, const ConsumePicture& consume,
                                  const ResultParts& parts, const PictureOptions& options) {
  ListFeed feed(pictures);
  return classify_in_order(model, isa, threads, feed, consume, parts, options);
}

}  // namespace intvit
