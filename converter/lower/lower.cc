#include "converter/lower/lower.h"

#include <algorithm>
#include <cmath>

#include "converter/lower/activation_table.h"
#include "converter/lower/attention_parameters.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/input_geometry.h"
#include "converter/lower/layer_norm_constants.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/patch_embedding.h"
#include "converter/lower/program_builder.h"
#include "engine/program/plan.h"
#include "engine/program/validate.h"
#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// Room above the largest residual seen in calibration; 16 bits can spare it.
constexpr double kResidualHeadroom = 1.5;

class Lowering {
 public:
  Lowering(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded)
      : network_(network), vit_(network.description), plan_(plan), linears_(builder_, plan, rounded, error_) {}

  Result<LoweredModel> run() {
    if (Status status = check_plan(vit_, plan_); !status.ok()) return status;
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
  const UniformScheme& scheme(Site site, int b, int head = 0) const {
    return plan_.activations.at(site_name(site, b))[static_cast<std::size_t>(head)].grid;
  }

  LinearInput input_from(const UniformScheme& codes, BufferId src, int in) const {
    return {codes.scale, codes.zero_point, static_cast<int>(builder_.at(src).stride), contiguous(in)};
  }

  LinearOutput residual_output() const {
    LinearOutput out{[this](int) { return residual_unit_; }};
    out.precision = MultiplierPrecision::sixteen;
    return out;
  }

  void fail(const std::string& layer, const Status& status) {
    if (error_.ok()) error_ = Status(status.code(), "'" + layer + "' needs " + status.message());
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
    op.linear = linears_.requantized(folded, layer_name(Layer::patch_embed, -1), in, residual_output());
    builder_.step("patch_embed", op);
  }

  void layer_norm(const std::string& name, const FloatLayerNorm& norm, const UniformScheme& codes, BufferId src,
                  BufferId dst, int first_row) {
    const Result<LayerNormConstants> constants = layer_norm_constants(norm, codes, vit_.layer_norm_eps, residual_unit_);
    if (!constants.ok()) return fail(name, constants.status());
    const LayerNormConstants& c = constants.value();
    LayerNormOp op;
    op.src = src;
    op.dst = dst;
    op.first_row = static_cast<std::uint32_t>(first_row);
    op.affine = builder_.constant(name + ".affine", DataType::s16, c.affine);
    op.shift = static_cast<std::uint32_t>(c.shift);
    op.beta_shift = static_cast<std::uint32_t>(c.beta_shift);
    op.epsilon_low = static_cast<std::uint32_t>(c.epsilon);
    op.epsilon_high = static_cast<std::uint32_t>(c.epsilon >> 32);
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
    project_in.linear = linears_.requantized(block.qkv, layer_name(Layer::qkv, b),
                                             input_from(scheme(Site::qkv_input, b), src, channels),
                                             {[&](int c) { return column_scheme(c).scale; },
                                              [&](int c) { return static_cast<double>(column_scheme(c).zero_point); }});
    builder_.step(layer_name(Layer::qkv, b), project_in);

    const BufferId attended = builder_.buffer(DataType::u8, tokens, channels);
    const std::string name = "blocks." + std::to_string(b) + ".attn";
    const UniformScheme& out = scheme(Site::attention_output, b);
    std::vector<std::int32_t> parameters;
    for (int h = 0; h < vit_.num_heads; ++h) {
      const auto head = attention_parameters(scheme(Site::query, b, h), scheme(Site::key, b, h),
                                             scheme(Site::value, b, h), out, vit_.head_dim());
      if (!head.ok()) return fail(name, head.status());
      parameters.insert(parameters.end(), head.value().begin(), head.value().end());
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
    project_out.linear = linears_.requantized(block.proj, layer_name(Layer::proj, b),
                                              input_from(out, attended, channels), residual_output());
    builder_.step(layer_name(Layer::proj, b), project_out);
  }

  void feed_forward(int b, const FloatBlock& block, BufferId src) {
    const BufferId hidden = builder_.buffer(DataType::u8, vit_.tokens(), vit_.mlp_dim);
    const LinearInput in = input_from(scheme(Site::fc1_input, b), src, vit_.embed_dim);
    const QuantizedWeights w = linears_.quantize(block.fc1, layer_name(Layer::fc1, b), in, {[](int) { return 1.0; }});
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
    LinearOutput hidden_output{[unit = std::ldexp(1.0, -table.fraction_bits)](int) { return unit; }};
    hidden_output.precision = MultiplierPrecision::sixteen;
    expand.linear = linears_.requantized(block.fc1, layer_name(Layer::fc1, b), in, hidden_output, w);
    expand.activation = builder_.constant(layer_name(Layer::fc1, b) + ".activation", DataType::s16, table.entries);
    expand.activation_segment_bits = static_cast<std::uint32_t>(table.segment_bits);
    expand.activation_multiplier = static_cast<std::uint32_t>(multiplier);
    expand.activation_zero_point = static_cast<std::uint32_t>(codes.zero_point);
    builder_.step(layer_name(Layer::fc1, b), expand);

    LinearOp contract;
    contract.src = hidden;
    contract.dst = residual_;
    contract.kind = LinearKind::residual;
    contract.linear = linears_.requantized(block.fc2, layer_name(Layer::fc2, b),
                                           input_from(codes, hidden, vit_.mlp_dim), residual_output());
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
    op.linear = linears_.logits(head, layer_name(Layer::head, -1), in, std::exp2(-16));
    builder_.step("head", op);
  }

  const FloatNetwork& network_;
  const VitDescription& vit_;
  const Plan& plan_;
  Status error_;
  ProgramBuilder builder_;
  LinearLowering linears_;
  double residual_unit_ = 0;
  BufferId picture_ = kNone, residual_ = kNone;
};

}  // namespace

Result<LoweredModel> lower(const FloatNetwork& network, const Plan& plan, const RoundedLayers& rounded) {
  return Lowering(network, plan, rounded).run();
}

}  // namespace intvit
