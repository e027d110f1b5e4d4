// One encoding of a layer's input, as a session does it.
#pragma once

#include <array>

#include "bench/kernels/buffer.h"
#include "kernels/encode/encode.h"

namespace intvit::bench {

enum class Encoding { table, tokens, dynamic_tokens, channel_groups, uniform };

struct EncodeFormat {
  const char* name;
  Encoding encoding;
  int levels = 16;
  int planes = 1;
  bool lists = false;  // of outliers, 1 % of the values
};

// Even codes of 4 bits, with outliers kept aside where tokens have a scale of their own.
inline constexpr std::array<EncodeFormat, 10> kEncodeFormats = {
    {{"4-bit table", Encoding::table},
     {"4-bit table in two planes", Encoding::table, 16, 2},
     {"6-bit table", Encoding::table, 64},
     {"tokens", Encoding::tokens},
     {"tokens, 1 % in lists", Encoding::tokens, 16, 1, true},
     {"dynamic tokens", Encoding::dynamic_tokens},
     {"channel groups", Encoding::channel_groups},
     {"channel groups in two planes", Encoding::channel_groups, 16, 2},
     {"uniform", Encoding::uniform},
     {"uniform, 1 % in lists", Encoding::uniform, 16, 1, true}}};

class EncodeCase {
 public:
  // Writes to dst, whose rows have `planes` times `columns` bytes.
  EncodeCase(int rows, int columns, const EncodeFormat& format, std::uint8_t* dst);
  EncodeCase(const EncodeCase&) = delete;
  EncodeCase& operator=(const EncodeCase&) = delete;

  void run(const kernels::EncodeKernels& kernels);

 private:
  void make_lists();
  void run_channel_groups(const kernels::EncodeKernels& kernels);

  Encoding encoding_;
  Buffer<std::int16_t> src_, thresholds_, values_, codes_, notes_, lists_;
  Buffer<std::uint8_t> scratch_;
  kernels::EncodeArgs args_{};
  kernels::AsideArgs aside_{};  // most is 0 where there are no lists
};

}  // namespace intvit::bench
