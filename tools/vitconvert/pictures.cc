#include <algorithm>
#include <iostream>

#include "converter/float/for_each_in_order.h"
#include "tools/common/cli/shown_text.h"
#include "tools/vitconvert/commands.h"

namespace intvit {
namespace {

constexpr std::size_t kMostNamed = 20;

using Pictures = std::vector<LabelledPicture>;

}  // namespace

Result<Pictures> calibration_pictures(const std::string& list, int count) {
  const Result<CalibrationPictures> all = split_pictures(list, count, true);
  if (!all.ok()) return all.status();
  return all.value().calibration;
}

Result<CalibrationPictures> split_pictures(const std::string& list, int count, bool strict) {
  std::vector<std::string> skipped;
  Result<Pictures> read = read_picture_list(list, std::numeric_limits<int>::max(), strict ? nullptr : &skipped);
  if (!read.ok()) return read.status();
  for (const std::string& folder : skipped) {
    print_message("vitconvert", "note: the folder '" + folder + "' cannot be listed and is left out");
  }
  Pictures& pictures = read.value();
  const auto wanted = count == 0 ? pictures.size() : static_cast<std::size_t>(count);
  if (pictures.size() < wanted) {
    return Status(Code::invalid_argument, "--calib-count " + std::to_string(wanted) + ", but '" + list +
                                              "' names only " + std::to_string(pictures.size()) + " pictures");
  }
  const std::size_t unseen = std::min(pictures.size() - wanted, std::max<std::size_t>(wanted, kFewestUnseen));
  const auto middle = pictures.begin() + static_cast<std::ptrdiff_t>(wanted);
  return CalibrationPictures{
      {pictures.begin(), middle}, {middle, middle + static_cast<std::ptrdiff_t>(unseen)}, skipped.size()};
}

Status keep_readable(Pictures& pictures, const InputGeometry& geometry, const PictureOptions& reading, int threads,
                     bool strict) {
  PictureFiles source(paths_of(pictures), geometry, reading);
  const auto make_worker = [&](int, int) {
    return [&, pixels = std::vector<std::uint8_t>(std::size_t{geometry.height} * geometry.width * 3)](int i) mutable {
      return source.read(i, pixels.data());
    };
  };
  const Progress progress = terminal_progress();
  Pictures good;
  std::vector<Status> bad;
  const auto sort = [&](int i, const Status& status) -> Status {
    progress("reading pictures", i + 1, source.count());
    if (status.ok()) {
      good.push_back(pictures[static_cast<std::size_t>(i)]);
    } else {
      bad.push_back(status);
    }
    return strict || status.code() == Code::out_of_memory ? status : Status();
  };
  if (Status status = for_each_in_order(source.count(), threads, make_worker, sort); !status.ok()) return status;
  if (good.empty() && !bad.empty()) return bad.front();
  for (std::size_t i = 0; i < std::min(bad.size(), kMostNamed); ++i) {
    print_message("vitconvert", "note: " + bad[i].message() + "; left out");
  }
  if (!bad.empty()) {
    std::cerr << "vitconvert: note: " << bad.size() << " of " << pictures.size()
              << " pictures cannot be read and are left out (--strict stops there)\n";
  }
  pictures = std::move(good);
  return {};
}

Result<Pictures> evaluation_pictures(const std::string& list, int classes) {
  Result<Pictures> pictures = read_picture_list(list, classes - 1);
  if (!pictures.ok()) return pictures;
  for (const LabelledPicture& picture : pictures.value()) {
    if (picture.label < 0) {
      return Status(Code::invalid_argument, "'" + list + "' gives no label for '" + picture.path + "'");
    }
  }
  return pictures;
}

}  // namespace intvit
