#include "engine/model/model_opening.h"

#include <new>
#include <system_error>
#include <utility>

#include "engine/format/checksum.h"
#include "engine/model/model_impl.h"
#include "engine/model/sections.h"

namespace intvit {

ModelOpening::ModelOpening(const std::string& path, Then then) : path_(path), then_(std::move(then)) {
  try {
    end_loading(load().ok() ? Loading::done : Loading::failed);
  } catch (...) {
    end_loading(Loading::failed);  // or the thread would wait for ever, and who destroys this for the thread
    throw;
  }
}

ModelOpening::~ModelOpening() = default;

Status ModelOpening::load() {
  Result<MappedFile> file = MappedFile::open(path_);
  if (!file.ok()) return file.status();
  impl_ = std::make_unique<Model::Impl>();
  impl_->mapping = std::make_unique<MappedFile>(file.take());
  impl_->bytes = impl_->mapping->bytes();
  const Result<Sections> found = find_sections(impl_->bytes, DataChecksum::left_to_caller);
  if (!found.ok()) return found.status();
  const Sections& sections = found.value();
  try {
    thread_ = std::jthread([this, data = sections.data(), promised = sections.data_checksum] {
      impl_->mapping->populate();
      const bool data_is_right = checksum64(data) == promised;
      loading_.wait(Loading::under_way);
      if (data_is_right && loading_ == Loading::done) begin_with_model();
    });
  } catch (const std::system_error&) {
    // No thread is left: finish() finds no model and opens the file once more.
  }
  const Status status = impl_->load(sections);
  if (status.ok()) geometry_ = &impl_->program.input;
  return status;
}

void ModelOpening::end_loading(Loading result) {
  loading_ = result;
  loading_.notify_one();
}

void ModelOpening::begin_with_model() noexcept {
  try {
    model_ = std::shared_ptr<const Model>(new Model(std::move(impl_)));
    if (then_) then_(model_);
  } catch (const std::bad_alloc&) {
    // Who needs what could not be made makes it once more, and says what is missing.
  }
}

Result<std::shared_ptr<const Model>> ModelOpening::finish() {
  if (thread_.joinable()) thread_.join();
  geometry_ = nullptr;
  if (model_ != nullptr) return std::move(model_);
  // Of several things that are wrong, Model::open() says which comes first.
  return Model::open(path_);
}

}  // namespace intvit
