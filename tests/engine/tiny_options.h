// What a tiny program (tests/engine/tiny_program.h) is made of, and a choice of them that has every feature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/encode/encode.h"
#include "kernels/gemm/linear.h"
#include "kernels/softmax/softmax.h"

namespace intvit::test {

using kernels::EncodeKind;
using kernels::Epilogue;
using kernels::SoftmaxKind;

enum class TinyHead {
  class_token,     // the last LayerNorm normalises row 0
  mean,            // mean_rows over the patches, then LayerNorm
  token_and_mean,  // mean_rows over the patches beside row 0, then LayerNorm of both, read as one long row (DINOv2)
  two_tokens,      // LayerNorm of two rows, which the head reads as one long row (distilled DeiT)
};

// Values, and an encode operation that makes what the next linear reads.
struct TinyEncoding {
  EncodeKind kind = EncodeKind::table;
  std::uint32_t planes = 1;     // 2: a grid of 12 bits
  std::uint32_t max_code = 15;  // a table has one level more
  std::uint32_t groups = 5;     // channel_groups only
  std::uint32_t aside = 0;      // entries of a row's list; the grid ends where values need them. 0: there are no lists
};

struct TinySoftmax {
  SoftmaxKind kind = SoftmaxKind::exponential;
  std::uint32_t levels = 16;
  std::uint32_t planes = 1;
  std::uint32_t groups = 1;  // of rows; kind absolute only
};

struct TinyOptions {
  std::uint64_t seed = 1;
  std::uint32_t edge = 8;  // of the square picture
  std::uint32_t patch = 4;
  std::uint32_t channels = 16;
  std::uint32_t heads = 2;
  std::uint32_t hidden = 40;
  std::uint32_t blocks = 1;
  std::uint32_t classes = 10;
  std::uint32_t weight_bits = 8;  // of the blocks' linears
  TinyHead head = TinyHead::class_token;
  std::uint32_t max_code = 255;                   // of all codes that no encode operation makes: 255 or 15
  std::optional<TinyEncoding> normed = {};        // what LayerNorms make; of the last one, if it has one row
  std::optional<TinyEncoding> attended = {};      // what attention makes
  std::optional<TinyEncoding> hidden_codes = {};  // what the activation function makes
  TinySoftmax softmax = {};
  bool coarse_steps = false;  // a residual stream of few bits
  bool sets = false;          // attention in sets, with pad rows and a bias
  std::uint32_t local = 0;    // so many rows in order are a set, without pad rows
  bool apart = false;         // queries in a buffer of their own
  bool gated = false;         // MLPs multiply what their activation function makes
  bool rotated = false;       // queries apart, turned by angles of their rows behind the class token
  bool conv = false;          // patches are convolved before the first block
  bool normed_heads = false;  // queries apart, normed head by head around 0; MLPs' results are normed, then added
};

// The usual program whose first norm writes such codes.
TinyOptions with_encoding(const TinyEncoding& encoding);

struct TinyVariant {
  std::string name;
  TinyOptions options;
};

// Programs of 8-bit codes, then programs with everything that op set 2 brought.
std::vector<TinyVariant> plain_variants();
std::vector<TinyVariant> encoded_variants();
std::vector<TinyVariant> op_set_2_variants();  // both
// Programs with operations that op set 2 does not have.
std::vector<TinyVariant> newer_variants();
// The same, where something is done to queries before their codes are made.
std::vector<TinyVariant> head_variants();
// Programs of op set 4, with weights of 3 and 2 bits.
std::vector<TinyVariant> few_bits_variants();
std::vector<TinyVariant> all_variants();

}  // namespace intvit::test
