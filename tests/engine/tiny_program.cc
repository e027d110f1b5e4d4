#include "tests/engine/tiny_program.h"

#include <algorithm>
#include <cmath>

#include "bench/common/random.h"
#include "engine/format/writer.h"
#include "engine/ops/attention.h"
#include "engine/ops/conv.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/ops/multiply.h"
#include "engine/ops/rotate.h"
#include "engine/program/memory_plan.h"
#include "kernels/activation/gated_activation.h"
#include "kernels/gemm/tiles.h"
#include "tests/engine/tiny_conv.h"
#include "tests/engine/tiny_encode.h"
#include "tests/engine/tiny_linear.h"
#include "tests/engine/tiny_scale.h"
#include "tests/engine/tiny_sets.h"
#include "tests/engine/tiny_softmax.h"

namespace intvit::test {
namespace {

std::uint32_t padded_k(std::uint32_t k) {
  return static_cast<std::uint32_t>(kernels::padded_depth(static_cast<int>(k)));
}
std::uint32_t padded_n(std::uint32_t n) {
  return static_cast<std::uint32_t>(kernels::padded_columns(static_cast<int>(n)));
}

// What a linear reads, or another operation in its stead.
struct Source {
  BufferId buffer;
  TinyScale scale;
  std::uint32_t planes;
  BufferId aside = kNone;
};

class Builder {
 public:
  explicit Builder(const TinyOptions& options) : o_(options), random_(options.seed) {}

  TinyProgram take() && { return std::move(tiny_); }

  void build() {
    Program& p = tiny_.program;
    const std::uint32_t side = o_.edge / o_.patch;
    const std::uint32_t prefix = o_.head == TinyHead::two_tokens ? 2 : 1;
    tokens_ = prefix + side * side;
    p.input = {o_.edge, o_.edge, o_.edge, o_.edge, Interpolation::bicubic, CropMode::center};
    p.add_port("picture", PortKind::picture, buffer(DataType::u8, o_.edge, o_.edge * 3, o_.edge * 3));
    stream_ = buffer(DataType::s16, tokens_, o_.channels, padded_n(o_.channels));
    patch_embed(prefix);
    if (o_.conv) add_tiny_conv(tiny_, o_, stream_, prefix, random_);
    for (std::uint32_t b = 0; b < o_.blocks; ++b) block("blocks." + std::to_string(b) + ".");
    classify(prefix);
    plan_memory(p);
  }

 private:
  BufferId buffer(DataType type, std::uint32_t rows, std::uint32_t columns, std::uint32_t stride) {
    tiny_.program.buffers.push_back({type, rows, columns, stride, 0});
    return static_cast<BufferId>(tiny_.program.buffers.size() - 1);
  }
  // Codes that a linear reads or writes: rows of whole 64 codes.
  BufferId codes(std::uint32_t rows, std::uint32_t columns, std::uint32_t planes = 1) {
    return buffer(DataType::u8, rows, columns, planes * padded_k(columns));
  }

  BufferId values(std::uint32_t rows, std::uint32_t columns) {
    return buffer(DataType::s16, rows, columns, padded_n(columns));
  }

  // A tensor that is made in one buffer and read, if it is encoded, in another one.
  struct Tensor {
    BufferId made;
    TinyScale scale;
    const std::optional<TinyEncoding>& encoding;
  };
  Tensor tensor(std::uint32_t rows, std::uint32_t columns, const std::optional<TinyEncoding>& encoding) {
    if (!encoding) return {codes(rows, columns), codes_scale(o_.max_code), encoding};
    return {values(rows, columns), values_scale(*encoding), encoding};
  }
  Source read(const std::string& name, const Tensor& tensor) {
    if (!tensor.encoding) return {tensor.made, tensor.scale, 1};
    const Buffer values = tiny_.program.buffers[tensor.made];
    EncodeOp op = tiny_encode(tiny_, name, *tensor.encoding, values.rows, random_);
    op.src = tensor.made;
    op.dst = codes(values.rows, values.columns, op.planes);
    if (tensor.encoding->aside != 0) {
      const std::uint32_t words = 1 + 2 * tensor.encoding->aside;
      op.aside = buffer(DataType::s16, values.rows, words, words);
    }
    tiny_.program.steps.push_back({name, op});
    return {op.dst, grid_scale(*tensor.encoding), op.planes, op.aside};
  }

  void block(const std::string& name) {
    const Tensor normed = tensor(tokens_, o_.channels, o_.normed);
    layer_norm(name + "norm1", stream_, normed);
    const BufferId qkv = codes(tokens_, 3 * o_.channels);
    const Source normed_codes = read(name + "norm1.encode", normed);
    linear(name + "attn.qkv", normed_codes, qkv, Epilogue::codes);
    const bool apart = o_.apart || o_.normed_heads || o_.rotated;
    const BufferId queries = apart ? codes(tokens_, o_.channels) : qkv;
    if (o_.apart) linear(name + "attn.q", normed_codes, queries, Epilogue::codes);
    if (o_.normed_heads) norm_heads(name + "attn.q", normed_codes, queries);
    if (o_.rotated) rotate(name + "attn.q", normed_codes, queries);

    const Tensor attended = tensor(tokens_, o_.channels, o_.attended);
    attention(name + "attn", queries, qkv, attended);
    linear(name + "attn.proj", read(name + "attn.encode", attended), stream_, Epilogue::residual);

    const Tensor normed2 = tensor(tokens_, o_.channels, o_.normed);
    layer_norm(name + "norm2", stream_, normed2);
    const Tensor hidden = tensor(tokens_, o_.hidden, o_.hidden_codes);
    const Source to_fc1 = read(name + "norm2.encode", normed2);
    if (o_.gated) {
      multiply(name + "mlp.", to_fc1, hidden);
    } else {
      activation(name + "mlp.fc1", to_fc1, hidden);
    }
    const Source to_fc2 = read(name + "mlp.encode", hidden);
    if (!o_.normed_heads) return linear(name + "mlp.fc2", to_fc2, stream_, Epilogue::residual);
    const BufferId made = values(tokens_, o_.channels);
    tiny_.program.steps.push_back(
        {name + "mlp.fc2", linear_op(name + "mlp.fc2", to_fc2, made, Epilogue::codes, 900, 0)});
    const std::optional<TinyEncoding> as_values = TinyEncoding{};
    layer_norm(name + "norm3", made, {stream_, values_scale(*as_values), as_values}).add = 1;
  }

  // Queries as values, then their codes.
  void norm_heads(const std::string& name, const Source& src, BufferId dst) {
    const BufferId made = values(tokens_, o_.channels);
    tiny_.program.steps.push_back({name, linear_op(name, src, made, Epilogue::codes, 900, 40)});
    const std::optional<TinyEncoding> plain;
    LayerNormOp& op = layer_norm(name + "_norm", made, {dst, codes_scale(o_.max_code), plain});
    op.groups = o_.heads;
    op.centred = 0;
    // Of heads, one unit of the norm is less of a sigma.
    op.shift += static_cast<std::uint32_t>(std::lround(std::log2(o_.heads) / 2));
  }

  // Queries as values, 2^-4 codes, then their codes.
  void rotate(const std::string& name, const Source& src, BufferId dst) {
    constexpr int kFineBits = 4;
    const TinyScale scale = codes_scale(o_.max_code);
    const BufferId made = values(tokens_, o_.channels);
    tiny_.program.steps.push_back(
        {name, linear_op(name, src, made, Epilogue::codes, std::ldexp(scale.sigma(), kFineBits), 0)});
    RotateOp op;
    op.src = made;
    op.dst = dst;
    op.heads = o_.heads;
    op.first_row = 1;
    op.max_code = o_.max_code;
    const std::uint32_t half = o_.channels / o_.heads / 2;
    std::vector<std::int16_t> angles;
    for (std::uint32_t row = op.first_row; row < tokens_; ++row) {
      for (std::uint32_t i = 0; i < 2 * half; ++i) {
        const double angle = row * std::pow(100.0, -static_cast<double>(i % half) / half);
        angles.push_back(
            static_cast<std::int16_t>(std::lround(32767 * (i < half ? std::cos(angle) : std::sin(angle)))));
      }
    }
    op.angles = tiny_.add(name + "_rope.angles", DataType::s16, angles);
    std::vector<std::int32_t> codes;
    for (std::uint32_t h = 0; h < o_.heads; ++h) {
      const double zero = scale.centre() * random_.real(0.9, 1.1);
      codes.push_back(static_cast<std::int32_t>(std::lround(std::ldexp(zero + 0.5, kFineBits))));
      codes.push_back(kFineBits);
    }
    op.codes = tiny_.add(name + "_rope.codes", DataType::s32, codes);
    tiny_.program.steps.push_back({name + "_rope", op});
  }

  void classify(std::uint32_t prefix) {
    Program& p = tiny_.program;
    BufferId last = stream_;
    const bool beside = o_.head == TinyHead::token_and_mean;
    if (o_.head == TinyHead::mean || beside) {
      last = buffer(DataType::s16, beside ? 2 : 1, o_.channels, padded_n(o_.channels));
      MeanRowsOp mean;
      mean.src = stream_;
      mean.dst = last;
      mean.first_row = prefix;
      mean.row_count = tokens_ - prefix;
      mean.copied_rows = beside ? 1 : 0;
      p.steps.push_back({"pool", mean});
    }
    const bool two = o_.head == TinyHead::two_tokens || beside;
    // Rows that are read as one long row have one plane.
    const std::optional<TinyEncoding> plain;
    const Tensor normed = tensor(two ? 2 : 1, o_.channels, two ? plain : o_.normed);
    layer_norm("norm", last, normed);
    const BufferId logits = buffer(DataType::s32, 1, o_.classes, padded_n(o_.classes));
    p.add_port("logits", PortKind::logits, logits).exponent = -16;
    linear("head", read("norm.encode", normed), logits, Epilogue::logits);
  }

  void patch_embed(std::uint32_t prefix) {
    ConvOp op;
    op.src = tiny_.program.buffer_of(PortKind::picture);
    op.dst = stream_;
    op.kernel = o_.patch;
    op.prefix = prefix;
    op.init = tiny_row_constants(tiny_, "pos_embed", stream_, 300, random_);
    const std::uint32_t pixels = o_.patch * o_.patch * 3;
    op.linear = tiny_linear(tiny_, "patch_embed",
                            {pixels, o_.channels, 8, pixels, codes_scale(255), Epilogue::residual, 400, 0}, random_);
    op.coarse_steps = coarse_steps("patch_embed");
    tiny_.program.steps.push_back({"patch_embed", op});
  }

  // Steps of 1 to 8, different from column to column.
  CoarseSteps coarse_steps(const std::string& name) {
    CoarseSteps coarse_steps;
    if (!o_.coarse_steps) return coarse_steps;
    std::vector<std::int16_t> power, unit;
    for (std::uint32_t c = 0; c < padded_n(o_.channels); ++c) {
      const auto shift = static_cast<int>(random_.integer(0, 3));
      power.push_back(static_cast<std::int16_t>(shift == 0 ? 32767 : 1 << (15 - shift)));
      unit.push_back(static_cast<std::int16_t>(1 << shift));
    }
    coarse_steps.power = tiny_.add(name + ".power", DataType::s16, power);
    coarse_steps.unit = tiny_.add(name + ".unit", DataType::s16, unit);
    coarse_steps.limit = 511;
    return coarse_steps;
  }

  // The operation may be changed until the next one is added.
  LayerNormOp& layer_norm(const std::string& name, BufferId src, const Tensor& dst) {
    constexpr int kShift = 16, kBetaShift = 12;                     // of 8-bit codes
    const double unit = std::sqrt(o_.channels) * std::exp2(-13.5);  // sigmas in one step
    std::vector<std::int16_t> affine;
    for (std::uint32_t c = 0; c < o_.channels; ++c) {
      affine.push_back(static_cast<std::int16_t>(std::lround(random_.real(30, 60) * unit * (1 << kShift))));
      affine.push_back(static_cast<std::int16_t>((random_.integer(110, 146) - (dst.encoding ? 128 : 0)) *
                                                 (1 << (kShift - kBetaShift))));
    }
    LayerNormOp op;
    op.src = src;
    op.dst = dst.made;
    op.affine = tiny_.add(name + ".affine", DataType::s16, affine);
    op.shift = static_cast<std::uint32_t>(kShift - dst.scale.octaves);
    op.beta_shift = kBetaShift;
    op.epsilon_low = o_.channels * o_.channels;
    op.max_code = o_.max_code;
    tiny_.program.steps.push_back({name, op});
    return *tiny_.program.steps.back().op.as<LayerNormOp>();
  }

  LinearOp linear_op(const std::string& name, const Source& src, BufferId dst, Epilogue kind, double sigma,
                     double centre) {
    const Buffer& from = tiny_.program.buffers[src.buffer];
    const Buffer& to = tiny_.program.buffers[dst];
    // Where two rows are read as one, the weights of the second follow those of the first, padding included.
    const std::uint32_t inputs = from.rows / to.rows == 1 ? from.columns : from.stride + from.columns;
    LinearOp op;
    op.src = src.buffer;
    op.dst = dst;
    op.kind = kind;
    op.planes = src.planes;
    if (kind != Epilogue::logits) op.aside = src.aside;
    op.max_code = o_.max_code;
    const std::uint32_t bits = kind == Epilogue::logits ? 8 : o_.weight_bits;
    op.linear =
        tiny_linear(tiny_, name, {inputs, to.columns, bits, from.columns, src.scale, kind, sigma, centre}, random_);
    return op;
  }

  void linear(const std::string& name, const Source& src, BufferId dst, Epilogue kind) {
    const TinyScale codes = codes_scale(o_.max_code);
    const bool to_codes = kind == Epilogue::codes, residual = kind == Epilogue::residual;
    LinearOp op = linear_op(name, src, dst, kind,
                            to_codes   ? codes.sigma()
                            : residual ? 300
                                       : 65536,
                            to_codes ? codes.centre() : 0);
    if (residual) op.coarse_steps = coarse_steps(name);
    tiny_.program.steps.push_back({name, op});
  }

  // Of exact GELU, x in units of 2^-10.
  ConstantId gelu(const std::string& name) {
    std::vector<std::int16_t> table(2 * kernels::kActivationSegments);
    for (int i = 0; i < kernels::kActivationSegments; ++i) {
      const auto delta = [](double t) { return std::lround(1024 * t * 0.5 * std::erfc(t / std::sqrt(2.0))); };
      table[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(delta(i / 16.0));
      table[static_cast<std::size_t>(i + kernels::kActivationSegments)] =
          static_cast<std::int16_t>(delta((i + 1) / 16.0) - delta(i / 16.0));
    }
    return tiny_.add(name + ".gelu", DataType::s16, table);
  }

  void activation(const std::string& name, const Source& src, const Tensor& dst) {
    LinearOp op = linear_op(name, src, dst.made, Epilogue::activation, 1200, 0);
    op.activation = gelu(name);
    op.activation_segment_bits = 6;
    op.activation_multiplier = static_cast<std::uint32_t>(std::min(32767.0, std::ldexp(1700, dst.scale.octaves)));
    op.activation_zero_point =
        dst.encoding ? 0 : static_cast<std::uint32_t>(std::lround(std::ldexp(20, dst.scale.octaves)));
    tiny_.program.steps.push_back({name, op});
  }

  void multiply(const std::string& name, const Source& src, const Tensor& dst) {
    constexpr double kSigma = 8e5;  // of the products of GELU and x
    const BufferId both = buffer(DataType::s16, tokens_, 2 * o_.hidden, padded_n(2 * o_.hidden));
    tiny_.program.steps.push_back({name + "fc1", linear_op(name + "fc1", src, both, Epilogue::codes, 1200, 0)});
    MultiplyOp op;
    op.src = both;
    op.dst = dst.made;
    op.activation = gelu(name + "act");
    op.activation_segment_bits = 6;
    op.max_code = o_.max_code;
    op.shift = static_cast<std::uint32_t>(10 - dst.scale.octaves / 2);
    const int fraction_bits = 15 + static_cast<int>(op.shift);
    op.multiplier = static_cast<std::uint32_t>(std::ldexp(dst.scale.sigma() / kSigma, fraction_bits));
    op.bias = (1u << (op.shift - 1)) +
              static_cast<std::uint32_t>(std::ldexp(dst.scale.centre() / op.multiplier, fraction_bits));
    tiny_.program.steps.push_back({name + "act", op});
  }

  void attention(const std::string& name, BufferId queries, BufferId qkv_codes, const Tensor& dst) {
    const TinyScale qkv = codes_scale(o_.max_code);
    const auto code = [&](int octaves, std::int64_t low, std::int64_t high) {
      return static_cast<std::int32_t>(std::ldexp(static_cast<double>(random_.integer(low, high)), octaves));
    };
    AttentionOp op;
    op.src = queries;
    op.dst = dst.made;
    if (queries != qkv_codes) {
      op.key_src = op.value_src = qkv_codes;
      op.key_column = o_.channels;
      op.value_column = 2 * o_.channels;
    }
    op.heads = o_.heads;
    op.head_dim = o_.channels / o_.heads;
    op.max_code = o_.max_code;
    std::vector<std::int32_t> parameters(o_.heads * std::size_t{kAttentionParameters});
    for (std::uint32_t h = 0; h < o_.heads; ++h) {
      std::int32_t* p = parameters.data() + h * std::size_t{kAttentionParameters};
      // Scores of about sigma^2 * sqrt(D) should spread over some bits: t = d * multiplier / 2^16 / 2^11.
      const double spread = random_.real(1, 4) / (qkv.sigma() * qkv.sigma() * std::sqrt(op.head_dim));
      p[kQZero] = code(qkv.octaves, 100, 156);
      p[kVZero] = code(qkv.octaves, 100, 156);
      double multiplier = spread * std::exp2(27);
      while (multiplier >= 65535) multiplier /= 2, ++p[kSoftmaxLeftShift];
      p[kSoftmaxMultiplier] = static_cast<std::int32_t>(multiplier);
      p[kRatio] = static_cast<std::int32_t>(random_.integer(1 << 30, INT32_MAX));
      p[kRatioShift] = std::max(30 - (dst.scale.octaves - qkv.octaves), 23);
      p[kOutZero] = dst.encoding ? 0 : code(dst.scale.octaves, 110, 146);
    }
    op.parameters = tiny_.add(name + ".parameters", DataType::s32, parameters);
    set_tiny_softmax(tiny_, name, o_.softmax, random_, op);
    if (o_.sets) set_tiny_sets(tiny_, name, {tokens_, o_.local}, o_.max_code, random_, op);
    tiny_.program.steps.push_back({name, op});
  }

  TinyOptions o_;
  Random random_;
  TinyProgram tiny_;
  std::uint32_t tokens_ = 0;
  BufferId stream_ = kNone;
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

std::vector<std::uint8_t> tiny_picture(const TinyOptions& options, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint8_t> picture(std::size_t{options.edge} * options.edge * 3);
  for (std::uint8_t& pixel : picture) pixel = static_cast<std::uint8_t>(random.integer(0, 255));
  return picture;
}

}  // namespace intvit::test
