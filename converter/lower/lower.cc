#include "converter/lower/lower.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include "converter/lower/activation_table.h"
#include "converter/lower/fixed_point.h"
#include "converter/lower/input_geometry.h"
#include "converter/lower/patch_embedding.h"
#include "converter/lower/program_builder.h"
#include "converter/lower/weights.h"
#include "engine/program/plan.h"
#include "engine/program/validate.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// Room above the largest residual seen in calibration; 16 bits can spare it.
constexpr double kResidualHeadroom = 1.5;

// Where a linear's codes come from: scale and zero point of its inputs, and the place of each input in a source row.
struct LinearInput {
  double scale;
  int zero_point;
  int depth;                   // codes per source row that are multiplied, a multiple of 64
  std::vector<int> placement;  // [in]
};

// What a column's sums must become: real value / unit + zero, per column where columns differ.
struct LinearOutput {
  std::function<double(int column)> unit;
  std::function<double(int column)> zero;
  MultiplierPrecision precision = MultiplierPrecision::codes;
};

std::vector<int> contiguous(int count) {
  std::vector<int> placement(static_cast<std::size_t>(count));
  std::iota(placement.begin(), placement.end(), 0);
  return placement;
}

class Lowering {
 public:
  Lowering(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded)
      : network_(network), vit_(network.description), plan_(plan), rounded_(rounded) {}

  Result<LoweredModel> run() {
    if (Status status = check_plan(); !status.ok()) return status;
    residual_unit_ = plan_.residual_magnitude * kResidualHeadroom / 32767;
    Result<InputGeometry> geometry = input_geometry(vit_.preprocessing);
    if (!geometry.ok()) return geometry.status();
    builder_.program().input = geometry.take();
    embed();
    for (int b = 0; b < vit_.depth; ++b) block(b);
    classify();
    if (!error_.ok()) return error_;
    plan_memory(builder_.program());
    LoweredModel model = builder_.take();
    // The reader's checks, so that a model that cannot be read is never written.
    if (const Status status = validate(model.program); !status.ok()) {
      return Status(Code::unsupported, "the network exceeds the engine's limits: " + status.message());
    }
    return model;
  }

 private:
  Status check_plan() const {
    const auto missing = [](const std::string& what) {
      return Status(Code::invalid_argument, "the plan has no " + what);
    };
    const auto check_site = [&](Site site, int b, std::size_t groups) -> Status {
      const auto found = plan_.activations.find(site_name(site, b));
      if (found == plan_.activations.end()) return missing("activation '" + site_name(site, b) + "'");
      if (found->second.size() != groups) {
        return {Code::invalid_argument, "the plan has " + std::to_string(found->second.size()) + " schemes for '" +
                                            site_name(site, b) + "', must be " + std::to_string(groups)};
      }
      for (const UniformScheme& codes : found->second) {
        if (codes.bits != 8) {
          return {Code::unsupported, std::to_string(codes.bits) + "-bit codes for '" + site_name(site, b) +
                                         "'; this version executes 8-bit activations"};
        }
      }
      return {};
    };
    std::vector<std::pair<Layer, int>> layers = {{Layer::patch_embed, -1}, {Layer::head, -1}};
    for (int b = 0; b < vit_.depth; ++b) {
      for (const Site site : {Site::qkv_input, Site::attention_output, Site::fc1_input, Site::fc2_input}) {
        if (Status status = check_site(site, b, 1); !status.ok()) return status;
      }
      for (const Site site : {Site::query, Site::key, Site::value}) {
        if (Status status = check_site(site, b, static_cast<std::size_t>(vit_.num_heads)); !status.ok()) return status;
      }
      if (!plan_.magnitudes.contains(site_name(Site::fc1_output, b))) {
        return missing("magnitude of '" + site_name(Site::fc1_output, b) + "'");
      }
      for (const Layer layer : {Layer::qkv, Layer::proj, Layer::fc1, Layer::fc2}) layers.emplace_back(layer, b);
    }
    if (Status status = check_site(Site::head_input, -1, 1); !status.ok()) return status;
    for (const auto& [layer, b] : layers) {
      if (!plan_.weights.contains(layer_name(layer, b))) return missing("weights of '" + layer_name(layer, b) + "'");
    }
    if (!(plan_.residual_magnitude > 0)) return missing("positive residual_magnitude");
    return {};
  }

  const UniformScheme& scheme(Site site, int b, int head = 0) const {
    return plan_.activations.at(site_name(site, b))[static_cast<std::size_t>(head)];
  }

  LinearInput input_from(const UniformScheme& codes, BufferId src, int in) const {
    return {codes.scale, codes.zero_point, static_cast<int>(builder_.at(src).stride), contiguous(in)};
  }

  LinearOutput residual_output() const {
    return {[this](int) { return residual_unit_; }, [](int) { return 0.0; }, MultiplierPrecision::sixteen};
  }

  void fail(const std::string& layer, const Status& status) {
    if (error_.ok()) error_ = Status(status.code(), "'" + layer + "' needs " + status.message());
  }

  QuantizedWeights quantize(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                            const std::function<double(int)>& unit, const std::function<double(int)>& zero) const {
    std::vector<double> least_scales(static_cast<std::size_t>(layer.out));
    for (int c = 0; c < layer.out; ++c) {
      const double offset = layer.bias[static_cast<std::size_t>(c)] / unit(c) + zero(c);
      least_scales[static_cast<std::size_t>(c)] = least_factor(offset) * unit(c) / in.scale;
    }
    const auto rounded = rounded_.find(name);
    if (rounded == rounded_.end()) return quantize_weights(layer, plan_.weights.at(name), least_scales);
    // Columns whose scale is too fine for their bias have next to no weights: how those are rounded does not matter.
    QuantizedWeights weights = rounded->second;
    for (std::size_t c = 0; c < least_scales.size(); ++c) {
      if (weights.scales[c] >= least_scales[c]) continue;
      return quantize_weights(layer, plan_.weights.at(name), least_scales);
    }
    return weights;
  }

  // Sum of a column's integer weights times the input's zero point, to be taken off.
  static std::int64_t zero_point_correction(const QuantizedWeights& w, int column, int zero_point) {
    std::int64_t sum = 0;
    for (int i = 0; i < w.k; ++i) sum += w.value(column, i);
    return -sum * zero_point;
  }

  LinearConstants pack(const QuantizedWeights& w, const std::string& name, const LinearInput& in) {
    LinearConstants constants;
    constants.n = static_cast<std::uint32_t>(w.n);
    constants.k = static_cast<std::uint32_t>(in.depth);
    constants.bits = static_cast<std::uint32_t>(w.bits);
    constants.tiles = builder_.constant(name + ".weight", w.bits == 8 ? DataType::s8 : DataType::u8,
                                        pack_tiles(w, in.depth, in.placement));
    if (w.bits == 4) {
      std::vector<std::uint8_t> zeros = w.zero_points;
      zeros.resize(static_cast<std::size_t>(kernels::padded_columns(w.n)), 0);
      constants.zero_points = builder_.constant(name + ".weight_zero_point", DataType::u8, zeros);
    }
    return constants;
  }

  LinearConstants linear(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                         const LinearOutput& out) {
    return linear(layer, name, in, out, quantize(layer, name, in, out.unit, out.zero));
  }

  LinearConstants linear(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                         const LinearOutput& out, const QuantizedWeights& w) {
    const auto columns = static_cast<std::size_t>(kernels::padded_columns(layer.out));
    std::vector<std::int32_t> bias(columns, 0);
    std::vector<std::uint8_t> shift(columns, 0);
    std::vector<std::int16_t> multiplier(columns, 0);
    for (int c = 0; c < layer.out; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const Result<FixedPoint> fixed = make_fixed_point(
          in.scale * w.scales[i] / out.unit(c), (layer.bias[i] + w.bias_correction[i]) / out.unit(c) + out.zero(c),
          zero_point_correction(w, c, in.zero_point), out.precision);
      if (!fixed.ok()) {
        fail(name + "[" + std::to_string(c) + "]", fixed.status());
        break;
      }
      bias[i] = fixed.value().bias;
      shift[i] = fixed.value().shift;
      multiplier[i] = fixed.value().multiplier;
    }
    LinearConstants constants = pack(w, name, in);
    constants.bias = builder_.constant(name + ".bias", DataType::s32, bias);
    constants.shift = builder_.constant(name + ".shift", DataType::u8, shift);
    constants.multiplier = builder_.constant(name + ".multiplier", DataType::s16, multiplier);
    return constants;
  }

  // Pixels are codes with scale 1 and zero point 0: (p / 255 - mean) / stddev goes into weights and bias.
  void embed() {
    const Preprocessing& p = vit_.preprocessing;
    const FloatLinear folded = fold_normalisation(network_.patch_embed, p);
    picture_ = builder_.program().picture = builder_.buffer(DataType::u8, p.height, p.width * 3, /*exact=*/true);
    residual_ = builder_.buffer(DataType::s16, vit_.tokens(), vit_.embed_dim);

    const Buffer& dst = builder_.at(residual_);
    std::vector<std::int16_t> init(std::size_t{dst.rows} * dst.stride, 0);
    for (int t = 0; t < vit_.tokens(); ++t) {
      for (int c = 0; c < vit_.embed_dim; ++c) {
        const double value =
            network_.token_init[static_cast<std::size_t>(t) * static_cast<std::size_t>(vit_.embed_dim) +
                                static_cast<std::size_t>(c)];
        init[static_cast<std::size_t>(t) * dst.stride + static_cast<std::size_t>(c)] =
            static_cast<std::int16_t>(std::clamp(std::round(value / residual_unit_), -32767.0, 32767.0));
      }
    }
    PatchEmbedOp op;
    op.src = picture_;
    op.dst = residual_;
    op.patch = static_cast<std::uint32_t>(vit_.patch_size);
    op.prefix = static_cast<std::uint32_t>(vit_.prefix_tokens());
    op.token_init = builder_.constant("token_init", DataType::s16, init);
    const LinearInput in{1.0, 0, kernels::padded_depth(folded.in), contiguous(folded.in)};
    op.linear = linear(folded, layer_name(Layer::patch_embed, -1), in, residual_output());
    builder_.step("patch_embed", op);
  }

  // code = gamma * (x - mean) / sigma / scale + beta / scale + zero_point, see kernels/layer_norm/layer_norm.h.
  void layer_norm(const std::string& name, const FloatLayerNorm& norm, const UniformScheme& codes, BufferId src,
                  BufferId dst, int first_row) {
    const std::size_t channels = norm.gamma.size();
    const double unit = std::exp2(13.5) / std::sqrt(static_cast<double>(channels));  // of sigma, in u
    double largest_gamma = 0, largest_beta = 1;
    for (std::size_t c = 0; c < channels; ++c) {
      largest_gamma = std::max(largest_gamma, std::abs(norm.gamma[c] / (codes.scale * unit)));
      largest_beta = std::max(largest_beta, std::abs(norm.beta[c] / codes.scale + codes.zero_point));
    }
    int shift = 30;
    while (shift > 1 && std::ldexp(largest_gamma, shift) > 32767) --shift;
    // beta gets its own power of two; it must fit 15 bits after at most 14 of them.
    while (shift > 1 && std::ldexp(largest_beta, shift - 14) > 32767) --shift;
    int beta_shift = 0;
    while (beta_shift < 14 && std::ldexp(largest_beta, shift - beta_shift) > 32767) ++beta_shift;
    if (std::ldexp(largest_gamma, shift) > 32767 || std::ldexp(largest_beta, shift - beta_shift) > 32767) {
      fail(name, {Code::unsupported, "a LayerNorm gain or offset that is too large for 16 bits"});
    }
    std::vector<std::int16_t> affine;
    for (std::size_t c = 0; c < channels; ++c) {
      const double gamma = std::round(std::ldexp(norm.gamma[c] / (codes.scale * unit), shift));
      const double beta = std::round(std::ldexp(norm.beta[c] / codes.scale + codes.zero_point, shift - beta_shift));
      affine.push_back(static_cast<std::int16_t>(std::clamp(gamma, -32767.0, 32767.0)));
      affine.push_back(static_cast<std::int16_t>(std::clamp(beta, -32767.0, 32767.0)));
    }
    const double epsilon = static_cast<double>(channels) * static_cast<double>(channels) * vit_.layer_norm_eps /
                           (residual_unit_ * residual_unit_);
    const auto epsilon_units = static_cast<std::uint64_t>(std::clamp(std::round(epsilon), 1.0, std::ldexp(1.0, 61)));
    LayerNormOp op;
    op.src = src;
    op.dst = dst;
    op.first_row = static_cast<std::uint32_t>(first_row);
    op.affine = builder_.constant(name + ".affine", DataType::s16, affine);
    op.shift = static_cast<std::uint32_t>(shift);
    op.beta_shift = static_cast<std::uint32_t>(beta_shift);
    op.epsilon_low = static_cast<std::uint32_t>(epsilon_units);
    op.epsilon_high = static_cast<std::uint32_t>(epsilon_units >> 32);
    builder_.step(name, op);
  }

  void block(int b) {
    const FloatBlock& block = network_.blocks[static_cast<std::size_t>(b)];
    const std::string prefix = "blocks." + std::to_string(b) + ".";
    const int tokens = vit_.tokens(), channels = vit_.embed_dim;

    const BufferId normed = builder_.buffer(DataType::u8, tokens, channels);
    layer_norm(prefix + "norm1", block.norm1, scheme(Site::qkv_input, b), residual_, normed, 0);
    attention(b, block, normed);

    const BufferId normed2 = builder_.buffer(DataType::u8, tokens, channels);
    layer_norm(prefix + "norm2", block.norm2, scheme(Site::fc1_input, b), residual_, normed2, 0);
    feed_forward(b, block, normed2);
  }

  void attention(int b, const FloatBlock& block, BufferId src) {
    const int tokens = vit_.tokens(), channels = vit_.embed_dim;
    const BufferId qkv = builder_.buffer(DataType::u8, tokens, 3 * channels);
    LinearOp project_in;
    project_in.src = src;
    project_in.dst = qkv;
    const auto column_scheme = [this, b, channels](int column) -> const UniformScheme& {
      constexpr Site kParts[] = {Site::query, Site::key, Site::value};
      return scheme(kParts[column / channels], b, column % channels / vit_.head_dim());
    };
    project_in.linear =
        linear(block.qkv, layer_name(Layer::qkv, b), input_from(scheme(Site::qkv_input, b), src, channels),
               {[&](int c) { return column_scheme(c).scale; },
                [&](int c) { return static_cast<double>(column_scheme(c).zero_point); }});
    builder_.step(layer_name(Layer::qkv, b), project_in);

    const BufferId attended = builder_.buffer(DataType::u8, tokens, channels);
    const std::string name = "blocks." + std::to_string(b) + ".attn";
    const UniformScheme& out = scheme(Site::attention_output, b);
    std::vector<std::int32_t> parameters;
    for (int h = 0; h < vit_.num_heads; ++h) {
      const UniformScheme &q = scheme(Site::query, b, h), &k = scheme(Site::key, b, h), &v = scheme(Site::value, b, h);
      // t of kernels/softmax/softmax.h per unit of score: log2(e) / sqrt(D), 11 fraction bits.
      const double per_unit =
          q.scale * k.scale / std::sqrt(vit_.head_dim()) * std::numbers::log2e * (1 << kernels::kSoftmaxFractionBits);
      int exponent;
      const double fraction = std::frexp(per_unit, &exponent);  // [0.5, 1) * 2^exponent
      const int left = std::max(exponent, 0), right = std::max(-exponent, 0);
      const bool fits = left <= 15 && right <= 31 && std::ldexp(65025.0 * vit_.head_dim(), left) < 2147483648.0;
      if (!fits) fail(name, {Code::unsupported, "scales of query and key whose product is out of range"});
      const Mantissa ratio = make_mantissa(v.scale / out.scale);
      if (ratio.shift < kernels::kMinRatioShift || ratio.shift > kernels::kMaxRatioShift) {
        fail(name, {Code::unsupported, "a value scale that is over 256 times its output's scale"});
      }
      parameters.resize(parameters.size() + kAttentionParameters);
      std::int32_t* p = &parameters[parameters.size() - kAttentionParameters];
      p[kQZero] = q.zero_point;
      p[kVZero] = v.zero_point;
      p[kSoftmaxLeftShift] = left;
      p[kSoftmaxRightShift] = right;
      p[kSoftmaxMultiplier] = std::min(static_cast<std::int32_t>(std::lround(std::ldexp(fraction, 16))), 65535);
      p[kRatio] = static_cast<std::int32_t>(ratio.mantissa);
      p[kRatioShift] = ratio.shift;
      p[kOutZero] = out.zero_point;
    }
    AttentionOp op;
    op.src = qkv;
    op.dst = attended;
    op.heads = static_cast<std::uint32_t>(vit_.num_heads);
    op.head_dim = static_cast<std::uint32_t>(vit_.head_dim());
    op.parameters = builder_.constant(name + ".parameters", DataType::s32, parameters);
    builder_.step(name, op);

    LinearOp project_out;
    project_out.src = attended;
    project_out.dst = residual_;
    project_out.kind = LinearKind::residual;
    project_out.linear =
        linear(block.proj, layer_name(Layer::proj, b), input_from(out, attended, channels), residual_output());
    builder_.step(layer_name(Layer::proj, b), project_out);
  }

  void feed_forward(int b, const FloatBlock& block, BufferId src) {
    const BufferId hidden = builder_.buffer(DataType::u8, vit_.tokens(), vit_.mlp_dim);
    const LinearInput in = input_from(scheme(Site::fc1_input, b), src, vit_.embed_dim);
    const auto no_offset = [](int) { return 0.0; };
    const QuantizedWeights w = quantize(
        block.fc1, layer_name(Layer::fc1, b), in, [](int) { return 1.0; }, no_offset);
    // Steps of x must be coarser than those of the sums, whose finest bits are noise anyway.
    const double coarsest_sum = in.scale * *std::max_element(w.scales.begin(), w.scales.end());
    const ActivationTable table =
        make_activation_table(vit_.activation, plan_.magnitudes.at(site_name(Site::fc1_output, b)), coarsest_sum);
    UniformScheme codes = scheme(Site::fc2_input, b);
    // codes = x * multiplier / 2^15: the scale is moved by a fraction of a percent so that the multiplier is whole.
    const double multiplier = std::round(std::ldexp(1 / codes.scale, 15 - table.fraction_bits));
    if (multiplier < 1 || multiplier > 32767) {
      fail(layer_name(Layer::fc1, b), {Code::unsupported, "an activation scale out of range"});
      return;
    }
    codes.scale = std::ldexp(1 / multiplier, 15 - table.fraction_bits);

    LinearOp expand;
    expand.src = src;
    expand.dst = hidden;
    expand.kind = LinearKind::activation;
    const double unit = std::ldexp(1.0, -table.fraction_bits);
    expand.linear = linear(block.fc1, layer_name(Layer::fc1, b), in,
                           {[unit](int) { return unit; }, no_offset, MultiplierPrecision::sixteen}, w);
    expand.activation = builder_.constant(layer_name(Layer::fc1, b) + ".activation", DataType::s16, table.entries);
    expand.activation_segment_bits = static_cast<std::uint32_t>(table.segment_bits);
    expand.activation_multiplier = static_cast<std::uint32_t>(multiplier);
    expand.activation_zero_point = static_cast<std::uint32_t>(codes.zero_point);
    builder_.step(layer_name(Layer::fc1, b), expand);

    LinearOp contract;
    contract.src = hidden;
    contract.dst = residual_;
    contract.kind = LinearKind::residual;
    contract.linear =
        linear(block.fc2, layer_name(Layer::fc2, b), input_from(codes, hidden, vit_.mlp_dim), residual_output());
    builder_.step(layer_name(Layer::fc2, b), contract);
  }

  // Pooling, final norm, head. A distilled model's head reads the normed class and distillation rows as one long row.
  void classify() {
    const FloatLinear& head = network_.head;
    const int channels = vit_.embed_dim;
    BufferId pooled = residual_;
    if (vit_.pooling == Pooling::average) {
      if (!vit_.fc_norm) {
        fail("head", {Code::unsupported, "average pooling after the final norm, which this version cannot do"});
        return;
      }
      pooled = builder_.buffer(DataType::s16, 1, channels);
      MeanRowsOp mean;
      mean.src = residual_;
      mean.dst = pooled;
      mean.first_row = static_cast<std::uint32_t>(vit_.prefix_tokens());
      mean.row_count = static_cast<std::uint32_t>(vit_.patches());
      builder_.step("pool", mean);
    }
    const int rows = head.in / channels;
    const UniformScheme& codes = scheme(Site::head_input, -1);
    const BufferId normed = builder_.buffer(DataType::u8, rows, channels);
    layer_norm(vit_.fc_norm ? "fc_norm" : "norm", network_.norm, codes, pooled, normed, 0);

    const int stride = static_cast<int>(builder_.at(normed).stride);
    LinearInput in{codes.scale, codes.zero_point, rows * stride, {}};
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < channels; ++c) in.placement.push_back(r * stride + c);
    }
    Program& program = builder_.program();
    program.logit_fraction_bits = 16;
    program.logits = builder_.buffer(DataType::s32, 1, head.out);
    LinearOp op;
    op.src = normed;
    op.dst = program.logits;
    op.kind = LinearKind::logits;
    op.linear = logits(head, in);
    builder_.step("head", op);
  }

  // logit = (sum + bias) * mantissa >> shift in units of 2^-16.
  LinearConstants logits(const FloatLinear& head, const LinearInput& in) {
    const double unit = std::exp2(-16);
    const std::string name = layer_name(Layer::head, -1);
    const QuantizedWeights w = quantize(
        head, name, in, [&](int) { return unit; }, [](int) { return 0.0; });
    const auto columns = static_cast<std::size_t>(kernels::padded_columns(head.out));
    std::vector<std::int32_t> bias(columns, 0), multiplier(columns, 0);
    std::vector<std::uint8_t> shift(columns, 1);
    for (int c = 0; c < head.out; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const double step = in.scale * w.scales[i];
      const Mantissa mantissa = make_mantissa(step / unit);
      const double offset =
          std::round(head.bias[i] / step) + static_cast<double>(zero_point_correction(w, c, in.zero_point));
      if (mantissa.shift < 1 || mantissa.shift > 62 || std::abs(offset) > 2147483647.0) {
        fail(name, {Code::unsupported, "logit scales out of range"});
        break;
      }
      bias[i] = static_cast<std::int32_t>(offset);
      multiplier[i] = static_cast<std::int32_t>(mantissa.mantissa);
      shift[i] = static_cast<std::uint8_t>(mantissa.shift);
    }
    LinearConstants constants = pack(w, name, in);
    constants.bias = builder_.constant(name + ".bias", DataType::s32, bias);
    constants.shift = builder_.constant(name + ".shift", DataType::u8, shift);
    constants.multiplier = builder_.constant(name + ".multiplier", DataType::s32, multiplier);
    return constants;
  }

  const FloatNetwork& network_;
  const VitDescription& vit_;
  const Plan& plan_;
  const RoundedLayers& rounded_;
  ProgramBuilder builder_;
  Status error_;
  double residual_unit_ = 0;
  BufferId picture_ = kNone, residual_ = kNone;
};

}  // namespace

Result<LoweredModel> lower(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded) {
  return Lowering(network, plan, rounded).run();
}

}  // namespace intvit
