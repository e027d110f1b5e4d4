// A session executes a model: it owns places for a batch of pictures and their outputs, arenas with the buffers between
// them, the scratch memory of its threads, and the threads themselves. Everything is allocated in create(); run()
// allocates nothing. Use one session from one thread at a time; for parallel requests make more sessions of one model.
//
// Results are integers, which depend neither on the instruction set nor on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "intvit/attention.h"
#include "intvit/executor.h"
#include "intvit/export.h"
#include "intvit/isa.h"
#include "intvit/log.h"
#include "intvit/model.h"
#include "intvit/picture_rows.h"
#include "intvit/picture_view.h"
#include "intvit/port.h"
#include "intvit/status.h"
#include "intvit/view.h"

namespace intvit {

struct Stage;  // engine/program/stages.h, for the project's own tools

inline constexpr int kMaxThreads = 1024;
inline constexpr int kMaxBatch = 4096;
inline constexpr std::size_t kMaxStepTimes = std::size_t{1} << 25;

struct SessionOptions {
  int threads = 1;                        // 1..kMaxThreads; of an executor: into how many tasks work is split
  int batch = 1;                          // most pictures per run(), 1..kMaxBatch
  std::optional<Isa> isa = std::nullopt;  // default: the environment variable INTVIT_ISA, else the best one
  bool profile = false;  // sum the time of every step; costs a barrier per step of pictures that threads share
  bool trace = false;    // note when each thread began and ended each step of the last run; costs no barrier,
                         // but every step of a chain is then done for all rows of a thread before the next
  // profile and trace: at most kMaxStepTimes = threads * batch * the program's steps.
  Executor executor = {};  // does the work instead of threads of the session's own
  LogSink log = {};        // what create() has to say
  // Of which layers attention() is wanted, counted from 0: places in Model::attention_layers(), in any order. Each
  // takes memory for every picture of the batch, and the time to compute its scores once more.
  std::vector<int> attention_layers = {};
};

// Nanoseconds of the steady clock.
struct StepTime {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Of `count` pictures those before this one are done by one thread each, the others by all threads together.
constexpr int first_shared_picture(int count, int threads) { return count - count % threads; }

class INTVIT_API Session {
 public:
  // invalid_argument (also: no model), unsupported_cpu or out_of_memory.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const Model> model, const SessionOptions& options);

  // What a session with these options takes from the heap, but for less than a hundredth and some kilobytes: places of
  // pictures, outputs, buffers, scratch memory and, if asked for, times and attention. The first picture of each size
  // takes a little more, and threads have stacks. The errors of create(), as far as they can be known before it.
  static Result<std::uint64_t> memory_bytes(const Model& model, const SessionOptions& options);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // An index is 0 .. batch() - 1, here and below, and a port 0 .. model().outputs().size() - 1. Others are an
  // invalid_argument where there is a Status, and end the process elsewhere.

  // Resizes and crops an 8-bit picture of any size and format into place `index` of the next run(). The pixels are not
  // needed afterwards. May allocate when the size differs from the picture's before. invalid_argument (no pixels, rows
  // that overlap, an edge of 0 or one that is too long, another format) or out_of_memory.
  Status set_picture(int index, const PictureView& picture);

  // The same of a picture whose rows come one after the other (intvit/picture.h reads files so): only as many of them
  // are kept as the resize needs at a time. Also the errors of the rows.
  Status set_picture(int index, PictureRows& picture);

  // The same place itself, u8 [input_height][input_width][3], for callers who preprocess on their own.
  // Valid until the session is destroyed.
  std::uint8_t* picture(int index);

  // Runs the model on pictures 0 .. count - 1, which stay as they are. `count` is clamped to 1 .. batch(). An executor
  // that does not call every task once, and once only, ends the process; so does a session of several threads in a
  // process that fork() made after it.
  void run(int count = 1);

  // The same with an invalid_argument for another count, for such an executor and for such a process, after which there
  // are no outputs.
  Status try_run(int count);

  // Output model().outputs()[port] of picture `index` after run(). The view is valid until the session is destroyed;
  // the next run() overwrites what it shows.
  OutputView output(int index, std::size_t port) const;

  // The logits alone, in units of 2^-logit_fraction_bits; one per class, none of a model that has no such output. Valid
  // as output()'s view is.
  View<const std::int32_t> logits(int index) const;

  // What layer `layer` of model().attention_layers() looked at in picture `index`, after run(); zeros before.
  // invalid_argument: another index or layer, or one that SessionOptions::attention_layers does not have. Valid as
  // output()'s view is.
  Result<AttentionView> attention(int index, std::size_t layer) const;

  const Model& model() const;
  int threads() const;
  int batch() const;
  Isa isa() const;

  // What follows is for the project's own tools, which know the types of engine/program/.

  // Nanoseconds that every step of the program took since creation (profile only): of a shared picture from the first
  // thread's begin to the last one's end; of the others, which as many threads do at a time, the time divided by those.
  View<const std::uint64_t> step_nanoseconds() const;
  // One thread's steps of one picture of the last run (profile or trace only); all 0 if it did nothing of it.
  View<const StepTime> step_times(int picture, int member) const;
  // Between two of them the threads that share a picture meet.
  View<const Stage> stages() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace intvit
