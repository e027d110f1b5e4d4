#include "tools/common/pictures/classify_in_order.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "tools/common/pictures/classifier.h"

namespace intvit {
namespace {

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
  Queue(std::span<const InputPicture> pictures, bool with_outputs) : pictures_(pictures), with_outputs_(with_outputs) {}

  // Classifies until no picture is left.
  void work(Classifier& classifier, Reorder& results) {
    for (std::size_t i; (i = next_.fetch_add(1)) < pictures_.size();) {
      if (!results.put(i, classify(classifier, i))) return;
    }
  }

 private:
  ClassifiedPicture classify(Classifier& classifier, std::size_t i) const {
    ClassifiedPicture result;
    const InputPicture& picture = pictures_[i];
    result.status = !picture.problem.ok() ? picture.problem
                    : picture.prepared    ? classifier.run(*picture.prepared)
                                          : classifier.run(picture.path);
    if (!result.status.ok()) return result;
    try {
      const Session& session = classifier.session();
      result.logits.assign(session.logits(0).begin(), session.logits(0).end());
      if (with_outputs_) result.outputs = real_outputs(session, 0);
      result.digest = outputs_digest(session, 0);
      result.isa = classifier.isa();
      result.threads = classifier.threads();
      result.remarks = classifier.remarks();
      return result;
    } catch (const std::bad_alloc&) {
      ClassifiedPicture failed;
      failed.status = {Code::out_of_memory, pictures_[i].path + ": not enough memory for its outputs"};
      return failed;
    }
  }

  std::span<const InputPicture> pictures_;
  bool with_outputs_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace

Result<Workers> classify_in_order(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                  std::span<const InputPicture> pictures, const ConsumePicture& consume,
                                  bool with_outputs, const PictureOptions& options) {
  const bool one_each = pictures.size() > static_cast<std::size_t>(threads);
  const int workers = one_each ? threads : 1;
  std::vector<Classifier> classifiers;
  for (int i = 0; i < workers; ++i) {
    Result<Classifier> classifier = Classifier::create(model, isa, one_each ? 1 : threads, options);
    if (!classifier.ok()) return classifier.status();
    classifiers.push_back(classifier.take());
  }
  Queue queue(pictures, with_outputs);
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
    return Status(Code::out_of_memory, "not enough memory for the results of " + std::to_string(pictures.size()) +
                                           " pictures; run fewer at a time");
  }
  return done;
}

}  // namespace intvit
