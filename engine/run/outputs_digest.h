// Names of results, to compare machines.
#pragma once

#include <cstdint>
#include <memory>

#include "intvit/session.h"

namespace intvit {

// A short name for the integers of all outputs of a picture: equal digests mean equal results, on any CPU, with any
// number of threads. XXH64 of each output as little-endian bytes, row after row without padding, with the digest of the
// output before as its seed.
std::uint64_t outputs_digest(const Session& session, int index);

// The digests of three pictures of other sizes than the model's, run one after the other through resize, crop and the
// network; a model file keeps it as its metadata `selftest_digest`. A pixel at x, y, sample c of picture k is the low
// byte of (3 + k) x + (5 + k) y + 85 c + (x y >> 4) + (n >> 27), where n begins as k and becomes 1664525 n + 1013904223
// mod 2^32 before every sample, row after row. Picture k has 61 + 150 k by 97 + 40 k pixels. Each digest, as
// outputs_digest() gives it, is 8 little-endian bytes, whose XXH64 has the one before as its seed, at first 0. The
// errors of set_picture().
Result<std::uint64_t> selftest_digest(Session& session);

}  // namespace intvit
