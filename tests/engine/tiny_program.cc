#include "tests/engine/tiny_program.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/format/writer.h"
#include "engine/program/plan.h"
#include "kernels/gemm/tiles.h"
#include "kernels/lut/gated_activation.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using kernels::padded_columns;
using kernels::padded_depth;

std::uint32_t padded_k(std::uint32_t k) { return static_cast<std::uint32_t>(padded_depth(static_cast<int>(k))); }
std::uint32_t padded_n(std::uint32_t n) { return static_cast<std::uint32_t>(padded_columns(static_cast<int>(n))); }

class Builder {
 public:
  explicit Builder(const TinyOptions& options) : o_(options), random_(options.seed) {}

  TinyProgram take() && { return std::move(tiny_); }

  void build() {
    Program& p = tiny_.program;
    const std::uint32_t side = o_.edge / o_.patch;
    const std::uint32_t prefix = o_.head == TinyHead::two_tokens ? 2 : 1;
    const std::uint32_t tokens = prefix + side * side;
    p.input = {o_.edge, o_.edge, o_.edge, o_.edge, Interpolation::bicubic, CropMode::center};
    p.picture = buffer(DataType::u8, o_.edge, o_.edge * 3, o_.edge * 3);
    const BufferId stream = buffer(DataType::s16, tokens, o_.channels, padded_n(o_.channels));
    patch_embed(stream, tokens, prefix);
    for (std::uint32_t block = 0; block < o_.blocks; ++block) {
      const std::string name = "blocks." + std::to_string(block) + ".";
      const BufferId normed = codes(tokens, o_.channels), qkv = codes(tokens, 3 * o_.channels);
      const BufferId attended = codes(tokens, o_.channels), normed2 = codes(tokens, o_.channels);
      const BufferId hidden = codes(tokens, o_.hidden);
      layer_norm(name + "norm1", stream, normed, 0);
      linear(name + "attn.qkv", normed, qkv, LinearKind::codes, o_.channels, 3 * o_.channels);
      attention(name + "attn", qkv, attended);
      linear(name + "attn.proj", attended, stream, LinearKind::residual, o_.channels, o_.channels);
      layer_norm(name + "norm2", stream, normed2, 0);
      linear(name + "mlp.fc1", normed2, hidden, LinearKind::activation, o_.channels, o_.hidden);
      linear(name + "mlp.fc2", hidden, stream, LinearKind::residual, o_.hidden, o_.channels);
    }
    BufferId last = stream;
    if (o_.head == TinyHead::mean) {
      last = buffer(DataType::s16, 1, o_.channels, padded_n(o_.channels));
      p.steps.push_back({"pool", MeanRowsOp{stream, last, prefix, tokens - prefix}});
    }
    const std::uint32_t rows = o_.head == TinyHead::two_tokens ? 2 : 1;
    const BufferId normed = codes(rows, o_.channels);
    layer_norm("norm", last, normed, 0);
    p.logits = buffer(DataType::s32, 1, o_.classes, padded_n(o_.classes));
    // With two rows the weights of the second follow those of the first, padding included.
    linear("head", normed, p.logits, LinearKind::logits, rows == 1 ? o_.channels : padded_k(o_.channels) + o_.channels,
           o_.classes);
    plan_memory(p);
  }

 private:
  BufferId buffer(DataType type, std::uint32_t rows, std::uint32_t columns, std::uint32_t stride) {
    tiny_.program.buffers.push_back({type, rows, columns, stride, 0});
    return static_cast<BufferId>(tiny_.program.buffers.size() - 1);
  }
  // Codes that a linear reads or writes: rows of whole 64 codes.
  BufferId codes(std::uint32_t rows, std::uint32_t columns) {
    return buffer(DataType::u8, rows, columns, padded_k(columns));
  }

  // Weights whose sums have roughly the standard deviation sigma_sum, requantized to sigma_out around `centre`.
  LinearConstants constants(const std::string& name, std::uint32_t k, std::uint32_t n, std::uint32_t bits,
                            LinearKind kind, double sigma_out, double centre) {
    LinearConstants l;
    l.n = n;
    l.k = padded_k(k);
    l.bits = bits;
    const std::uint32_t columns = padded_n(n);
    const int depth = static_cast<int>(l.k);
    std::vector<std::uint8_t> tiles(kernels::tile_bytes(static_cast<int>(n), depth, static_cast<int>(bits)));
    std::vector<std::uint8_t> zero_points(columns, 8), shift(columns, 1);
    std::vector<std::int32_t> bias(columns), logit_multiplier(columns);
    std::vector<std::int16_t> multiplier(columns);
    for (std::uint32_t c = 0; c < n; ++c) {
      std::int64_t sum = 0, squares = 0;
      if (bits == 4) zero_points[c] = static_cast<std::uint8_t>(random_.integer(5, 10));
      for (std::uint32_t i = 0; i < l.k; ++i) {
        const int column = static_cast<int>(c), row = static_cast<int>(i);
        const bool padding = i >= k || (k > padded_k(o_.channels) && i >= o_.channels && i < padded_k(o_.channels));
        std::int64_t weight = 0;
        if (bits == 8) {
          weight = padding ? 0 : random_.integer(-127, 127);
          tiles[kernels::tile_offset(column, row, depth)] = static_cast<std::uint8_t>(weight);
        } else {
          const int nibble = padding ? zero_points[c] : static_cast<int>(random_.integer(0, 15));
          const kernels::NibblePosition at = kernels::nibble_position(column, row, depth);
          tiles[at.byte] = static_cast<std::uint8_t>(tiles[at.byte] | (at.high ? nibble << 4 : nibble));
          weight = (nibble - zero_points[c]) * (1 << kernels::kNibbleShift);
        }
        sum += weight;
        squares += weight * weight;
      }
      const double sigma_sum = std::sqrt(static_cast<double>(squares)) * 45;  // 45: of codes around 128
      const double scale = sigma_out / std::max(sigma_sum, 1.0);
      bias[c] = static_cast<std::int32_t>(-128 * sum) + static_cast<std::int32_t>(std::lround(centre / scale));
      if (kind == LinearKind::logits) {
        shift[c] = 26;
        logit_multiplier[c] = static_cast<std::int32_t>(scale * (1 << 26));
        continue;
      }
      const double per_shift = scale * 32768;  // multiplier at shift 0; bring it into [2048, 4096)
      const int steps = std::clamp(12 - static_cast<int>(std::floor(std::log2(per_shift))) - 1, 0, 31);
      shift[c] = static_cast<std::uint8_t>(steps);
      multiplier[c] = static_cast<std::int16_t>(std::min(32767.0, per_shift * std::exp2(steps)));
      if (steps > 0) bias[c] += 1 << (steps - 1);
    }
    if (bits == 8) {
      l.tiles = tiny_.add(name + ".weight", DataType::s8, tiles);
    } else {
      l.tiles = tiny_.add(name + ".weight", DataType::u8, tiles);
      l.zero_points = tiny_.add(name + ".zero_points", DataType::u8, zero_points);
    }
    l.bias = tiny_.add(name + ".bias", DataType::s32, bias);
    l.shift = tiny_.add(name + ".shift", DataType::u8, shift);
    l.multiplier = kind == LinearKind::logits ? tiny_.add(name + ".multiplier", DataType::s32, logit_multiplier)
                                              : tiny_.add(name + ".multiplier", DataType::s16, multiplier);
    return l;
  }

  void patch_embed(BufferId stream, std::uint32_t tokens, std::uint32_t prefix) {
    const std::uint32_t stride = tiny_.program.buffers[stream].stride;
    std::vector<std::int16_t> token_init(tokens * stride);
    for (std::int16_t& x : token_init) x = static_cast<std::int16_t>(random_.integer(-300, 300));
    PatchEmbedOp op;
    op.src = tiny_.program.picture;
    op.dst = stream;
    op.patch = o_.patch;
    op.prefix = prefix;
    op.token_init = tiny_.add("pos_embed", DataType::s16, token_init);
    op.linear = constants("patch_embed", o_.patch * o_.patch * 3, o_.channels, 8, LinearKind::residual, 400, 0);
    tiny_.program.steps.push_back({"patch_embed", op});
  }

  void layer_norm(const std::string& name, BufferId src, BufferId dst, std::uint32_t first_row) {
    constexpr std::uint32_t kShift = 16, kBetaShift = 12;
    const double unit = std::sqrt(o_.channels) * std::exp2(-13.5);  // sigmas in one step
    std::vector<std::int16_t> affine;
    for (std::uint32_t c = 0; c < o_.channels; ++c) {
      affine.push_back(static_cast<std::int16_t>(std::lround(random_.real(30, 60) * unit * (1 << kShift))));
      affine.push_back(static_cast<std::int16_t>(random_.integer(110, 146) << (kShift - kBetaShift)));
    }
    LayerNormOp op;
    op.src = src;
    op.dst = dst;
    op.first_row = first_row;
    op.affine = tiny_.add(name + ".affine", DataType::s16, affine);
    op.shift = kShift;
    op.beta_shift = kBetaShift;
    op.epsilon_low = o_.channels * o_.channels;
    tiny_.program.steps.push_back({name, op});
  }

  void linear(const std::string& name, BufferId src, BufferId dst, LinearKind kind, std::uint32_t k, std::uint32_t n) {
    LinearOp op;
    op.src = src;
    op.dst = dst;
    op.kind = kind;
    const bool to_codes = kind == LinearKind::codes;
    const double sigma = to_codes                         ? 45
                         : kind == LinearKind::residual   ? 300
                         : kind == LinearKind::activation ? 1200
                                                          : 65536;
    const std::uint32_t bits = kind == LinearKind::logits ? 8 : o_.weight_bits;
    op.linear = constants(name, k, n, bits, kind, sigma, to_codes ? 128 : 0);
    if (kind == LinearKind::activation) {
      std::vector<std::int16_t> table(2 * kernels::kActivationSegments);
      for (int i = 0; i < kernels::kActivationSegments; ++i) {  // exact GELU, x in units of 2^-10
        const auto delta = [](double t) { return std::lround(1024 * t * 0.5 * std::erfc(t / std::sqrt(2.0))); };
        table[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(delta(i / 16.0));
        table[static_cast<std::size_t>(i + kernels::kActivationSegments)] =
            static_cast<std::int16_t>(delta((i + 1) / 16.0) - delta(i / 16.0));
      }
      op.activation = tiny_.add(name + ".gelu", DataType::s16, table);
      op.activation_segment_bits = 6;
      op.activation_multiplier = 1700;
      op.activation_zero_point = 20;
    }
    tiny_.program.steps.push_back({name, op});
  }

  void attention(const std::string& name, BufferId src, BufferId dst) {
    AttentionOp op;
    op.src = src;
    op.dst = dst;
    op.heads = o_.heads;
    op.head_dim = o_.channels / o_.heads;
    std::vector<std::int32_t> parameters(o_.heads * std::size_t{kAttentionParameters});
    for (std::uint32_t h = 0; h < o_.heads; ++h) {
      std::int32_t* p = parameters.data() + h * std::size_t{kAttentionParameters};
      // Scores of about 45 * 45 * sqrt(D) should spread over some bits: t = d * multiplier / 2^16 / 2^11.
      const double spread = random_.real(1, 4) / (45 * 45 * std::sqrt(op.head_dim));
      p[kQZero] = static_cast<std::int32_t>(random_.integer(100, 156));
      p[kVZero] = static_cast<std::int32_t>(random_.integer(100, 156));
      p[kSoftmaxLeftShift] = 0;
      p[kSoftmaxRightShift] = 0;
      double multiplier = spread * std::exp2(27);
      while (multiplier >= 65535) multiplier /= 2, ++p[kSoftmaxLeftShift];
      p[kSoftmaxMultiplier] = static_cast<std::int32_t>(multiplier);
      p[kRatio] = static_cast<std::int32_t>(random_.integer(1 << 30, INT32_MAX));
      p[kRatioShift] = 30;
      p[kOutZero] = static_cast<std::int32_t>(random_.integer(110, 146));
    }
    op.parameters = tiny_.add(name + ".parameters", DataType::s32, parameters);
    tiny_.program.steps.push_back({name, op});
  }

  TinyOptions o_;
  Random random_;
  TinyProgram tiny_;
};

}  // namespace

TinyProgram make_tiny_program(const TinyOptions& options) {
  Builder builder(options);
  builder.build();
  return std::move(builder).take();
}

Metadata tiny_metadata(const TinyOptions& options) {
  std::string labels;
  for (std::uint32_t i = 0; i < options.classes; ++i) labels += (i == 0 ? "" : "\n") + ("class " + std::to_string(i));
  return {{"architecture", "tiny"}, {"labels", labels}};
}

std::vector<std::uint8_t> tiny_model_bytes(const TinyOptions& options) {
  const TinyProgram tiny = make_tiny_program(options);
  return encode_model(tiny.program, tiny_metadata(options));
}

std::shared_ptr<const Model> tiny_model(const TinyOptions& options) {
  Result<std::shared_ptr<const Model>> model = Model::from_memory(tiny_model_bytes(options), "tiny");
  INFO(model.status().message());
  REQUIRE(model.ok());
  return model.take();
}

std::vector<std::uint8_t> tiny_picture(const TinyOptions& options, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> picture(std::size_t{options.edge} * options.edge * 3);
  for (std::uint8_t& pixel : picture) pixel = static_cast<std::uint8_t>(random.integer(0, 255));
  return picture;
}

}  // namespace intvit::test
