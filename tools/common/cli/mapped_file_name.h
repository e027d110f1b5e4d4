// Which file a piece of memory is, for the handler of a signal.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit {

// The path of the file that is mapped at this address, as /proc/self/maps has it, ended by a zero byte; control
// characters are '?', and what does not fit is cut off. false: no file is mapped there. Needs no memory and no locks.
bool mapped_file_name(std::uintptr_t address, char* path, std::size_t size) noexcept;

}  // namespace intvit
