#include "engine/model/model_opening.h"

#include <system_error>

#include "engine/format/checksum.h"
#include "engine/model/model_impl.h"
#include "engine/model/sections.h"

namespace intvit {

ModelOpening::ModelOpening(const std::string& path) : path_(path) { all_but_data_is_right_ = begin().ok(); }

ModelOpening::~ModelOpening() = default;

Status ModelOpening::begin() {
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
      data_is_right_ = checksum64(data) == promised;
    });
  } catch (const std::system_error&) {
    // No thread is left: finish() finds the data unchecked and opens the file once more.
  }
  return impl_->load(sections);
}

const InputGeometry* ModelOpening::geometry() const {
  return all_but_data_is_right_ && impl_ != nullptr ? &impl_->program.input : nullptr;
}

Result<std::shared_ptr<const Model>> ModelOpening::finish() {
  if (thread_.joinable()) thread_.join();
  if (all_but_data_is_right_ && data_is_right_) return std::shared_ptr<const Model>(new Model(std::move(impl_)));
  // Of several things that are wrong, Model::open() says which comes first.
  return Model::open(path_);
}

}  // namespace intvit
