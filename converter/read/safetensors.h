// One safetensors file, mapped and read only: u64 little-endian header length, JSON header (name -> dtype, shape,
// data_offsets; optionally __metadata__ with strings), then the data. The file may come from an enemy: everything in
// the header is checked before a byte of data is touched, and memory is bounded by the file's size.
// Assumes that nobody truncates the file while it is mapped. Not for writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/mapped_file.h"
#include "intvit/status.h"

namespace intvit {

struct TensorInfo {
  std::string name;
  std::string dtype;  // as the file spells it: F32, F16, BF16, I64, ...
  std::vector<std::int64_t> shape;
  std::size_t begin = 0;  // bytes from the start of the data
  std::size_t end = 0;

  // What read() converts; everything else is only listed.
  bool is_weight() const { return dtype == "F32" || dtype == "F64" || dtype == "F16" || dtype == "BF16"; }
};

// Of a tensor with this shape; nothing if they are too many to count.
std::optional<std::uint64_t> element_count(std::span<const std::int64_t> shape);

class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const std::string& path);

  // The same for a file of torch.save, of numpy.savez, or a safetensors file, whichever it is (torch_file.h,
  // npz_file.h).
  static Result<SafetensorsFile> open_any(const std::string& path);

  // Tensors that another reader has found and checked in `data`, in any order. corrupt_file if a name is there twice.
  static Result<SafetensorsFile> of_tensors(std::span<const std::byte> data, std::string name,
                                            std::vector<TensorInfo> tensors);

  // What a tensor is packed into; its `begin` and `end` are places in there.
  using Unpack = std::function<Result<std::vector<std::byte>>(const TensorInfo&)>;
  // The same of tensors that read() has to unpack.
  static Result<SafetensorsFile> of_packed(Unpack unpack, std::string name, std::vector<TensorInfo> tensors);

  // `bytes` must outlive the object; `name` stands for the path in messages.
  static Result<SafetensorsFile> open_memory(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }  // sorted by name
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  // Null when there is no such tensor.
  const TensorInfo* find(std::string_view name) const;

  // The values in the file's order, F64 rounded to floats, all others exactly converted. A NaN or an infinity is an
  // error, since no weight is one.
  Result<std::vector<float>> read(std::string_view name) const;

 private:
  std::string name_;
  std::shared_ptr<const MappedFile> mapping_;  // empty for open_memory
  std::span<const std::byte> data_;            // what follows the header
  Unpack unpack_;                              // null unless read() has to
  std::vector<TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace intvit
