// The INPUT arguments of a tool, expanded to pictures: a file is itself, a folder all pictures in it and below
// (sorted), and `-` the names in a stream, each a file or a folder. Files are not opened here.
#pragma once

#include <deque>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "intvit/status.h"
#include "tools/common/pictures/picture_feed.h"

namespace intvit {

// What ends a name in the stream. A line may end as on Windows, and the first may begin with a byte order mark.
enum class NameEnd { line, null };

// Gives names of the stream as soon as they are there, so that a program can write one, read the answer and go on.
class InputFeed : public PictureFeed {
 public:
  // `names` must outlive it.
  InputFeed(std::vector<std::string> inputs, std::istream& names, NameEnd end = NameEnd::line);

  std::optional<InputPicture> next() override;
  // Not known where names come from the stream.
  std::optional<std::size_t> count() const override { return count_; }
  // io if the stream cannot be read, invalid_argument if lines have NUL bytes in them.
  Status status() const override { return status_; }

  // Where there is one picture, it has been read already.
  void set_only(std::shared_ptr<const PreparedPicture> prepared);

 private:
  bool read_name(std::string& name);
  bool finish_name(std::string& name);

  std::vector<std::string> inputs_;
  std::istream& names_;
  char end_;
  std::size_t next_input_ = 0;
  bool reading_ = false;  // names of the stream
  bool at_start_ = true;  // of the stream
  std::deque<InputPicture> waiting_;
  std::optional<std::size_t> count_;
  Status status_;
};

// All at once. The feed's status if it has one.
Result<std::vector<InputPicture>> expand_inputs(const std::vector<std::string>& inputs, std::istream& names,
                                                NameEnd end = NameEnd::line);

}  // namespace intvit
