#include "converter/lower/lower.h"

#include <algorithm>
#include <cmath>

#include "converter/float/pixel_normalisation.h"
#include "converter/lower/activation_table.h"
#include "converter/lower/attention_parameters.h"
#include "converter/lower/check_plan.h"
#include "converter/lower/encoding.h"
#include "converter/lower/input_geometry.h"
#include "converter/lower/layer_norm_constants.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/program_builder.h"
#include "converter/lower/residual_stream.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/linear.h"
#include "engine/ops/mean_rows.h"
#include "engine/ops/patch_embed.h"
#include "engine/program/memory_plan.h"
#include "engine/program/validate.h"
#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// value scale / result unit of attention; the smallest divisor of softmax codes is 255.
constexpr double kLargestAttentionRatio = 200;

class Lowering {
 public:
  Lowering(const FloatNetwork& network, const Plan& plan, RoundedLayers rounded)
      : network_(network), vit_(network.description), plan_(plan), linears_(builder_, plan, std::move(rounded)) {}

  Result<LoweredModel> run() {
    residual_unit_ = residual_unit(plan_);
    if (plan_.residuals.empty()) residual_unit_ = std::max(residual_unit_, coarsest_product());
    Result<InputGeometry> geometry = input_geometry(vit_.preprocessing);
    if (!geometry.ok()) return geometry.status();
    builder_.program().input = geometry.take();
    embed();
    for (int b = 0; b < vit_.depth; ++b) block(b);
    classify();
    if (!builder_.error().ok()) return builder_.error();
    plan_memory(builder_.program());
    LoweredModel model = builder_.take();
    // The reader's checks, so that a model that cannot be read is never written.
    if (const Status status = validate(model.program); !status.ok()) {
      return Status(Code::unsupported, "the network exceeds the engine's limits: " + status.message());
    }
    return model;
  }

 private:
  // The largest real value of one unit of a sum that is added to the residual stream, whose steps can be no finer:
  // activations and weights of few bits make products that are coarser than 16 bits of stream would be.
  double coarsest_product() const {
    double coarsest = 0;
    for (int b = 0; b < vit_.depth; ++b) {
      coarsest = std::max(
          {coarsest, scheme(Site::attention_output, b).scale * linears_.coarsest_scale(layer_name(Layer::proj, b)),
           scheme(Site::fc2_input, b).scale * linears_.coarsest_scale(layer_name(Layer::fc2, b))});
    }
    return coarsest / 0.98;
  }

  // What the codes of a site stand for: the codes' own scheme, or the grid of those that have one.
  const ActivationScheme& codes_at(Site site, int b, int head = 0) const {
    return plan_.activations.at(site_name(site, b))[static_cast<std::size_t>(head)];
  }
  const UniformScheme& scheme(Site site, int b, int head = 0) const { return codes_at(site, b, head).grid; }

  // A tensor on its way to a linear: its producer writes `buffer` in codes of `codes`, or, where these are not plain
  // uniform ones, 16-bit values, and encode() makes of them what the linear reads.
  struct Tensor {
    const ActivationScheme& scheme;
    BufferId buffer;
    UniformScheme codes;
    FineUnit unit;
    std::uint32_t max_code;
    bool encoded() const { return scheme.kind != CodeKind::uniform; }
  };

  Tensor tensor(Site site, int b, int rows, int columns, double least_unit) {
    const ActivationScheme& s = codes_at(site, b);
    if (s.kind == CodeKind::uniform) {
      return {s,
              builder_.buffer(DataType::u8, rows, columns),
              s.grid,
              {s.grid.scale, 0},
              static_cast<std::uint32_t>(s.grid.highest_code())};
    }
    const Result<FineUnit> unit = fine_unit(s, least_unit);
    if (!unit.ok()) builder_.fail(site_name(site, b), unit.status());
    const FineUnit fine = unit.ok() ? unit.value() : FineUnit{1, 1};
    return {s, builder_.buffer(DataType::s16, rows, columns), {16, fine.unit, 0}, fine, 255};
  }

  // The step after a tensor's producer. Returns what the linear reads.
  BufferId encode(const std::string& name, const Tensor& t) {
    if (!t.encoded()) return t.buffer;
    Result<Encoding> made = make_encoding(t.scheme, t.unit);
    if (!made.ok()) {
      builder_.fail(name, made.status());
      return t.buffer;
    }
    Encoding e = made.take();
    const Buffer src = builder_.at(t.buffer);
    e.op.src = t.buffer;
    e.op.dst = builder_.buffer(DataType::u8, static_cast<int>(src.rows), static_cast<int>(src.columns), false,
                               static_cast<int>(e.op.planes));
    if (e.op.kind == kernels::EncodeKind::table) {
      e.op.thresholds = builder_.constant(name + ".thresholds", DataType::s16, e.thresholds);
      e.op.values = builder_.constant(name + ".values", DataType::s16, e.values);
    } else if (!e.codes.empty()) {
      e.op.codes = builder_.constant(name + ".codes", DataType::s16, e.codes);
    }
    builder_.step(name, e.op);
    return e.op.dst;
  }

  std::uint32_t planes(const ActivationScheme& s) const { return s.grid.bits > 8 ? 2 : 1; }

  LinearInput input_from(const ActivationScheme& s, BufferId src, int in) const {
    return {s.grid.scale, s.grid.zero_point, static_cast<int>(builder_.at(src).stride / planes(s)), contiguous(in),
            s.grid.highest_code()};
  }

  LinearOutput residual_output() const {
    LinearOutput out{[this](int) { return residual_unit_; }};
    out.precision = MultiplierPrecision::sixteen;
    return out;
  }

  CoarseSteps coarse_steps_at(Site site, int b) {
    return coarse_steps(plan_, site_name(site, b), residual_unit_, vit_.embed_dim, builder_);
  }

  // Pixels are codes with scale 1 and zero point 0.
  void embed() {
    const Preprocessing& p = vit_.preprocessing;
    const FloatLinear patch_embed = patch_embed_of_bytes(network_);
    picture_ = builder_.buffer(DataType::u8, p.height, p.width * 3, /*exact=*/true);
    builder_.program().add_port("picture", PortKind::picture, picture_);
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
    const LinearInput in{1.0, 0, kernels::padded_depth(patch_embed.in), contiguous(patch_embed.in)};
    op.coarse_steps = coarse_steps_at(Site::residual, -1);
    op.linear = linears_.requantized(patch_embed, layer_name(Layer::patch_embed, -1), in, residual_output());
    builder_.step("patch_embed", op);
  }

  void layer_norm(const std::string& name, const FloatLayerNorm& norm, const Tensor& out, BufferId src, int first_row) {
    const Result<LayerNormConstants> constants =
        layer_norm_constants(norm, out.codes, vit_.layer_norm_eps, residual_unit_);
    if (!constants.ok()) return builder_.fail(name, constants.status());
    const LayerNormConstants& c = constants.value();
    LayerNormOp op;
    op.src = src;
    op.dst = out.buffer;
    op.max_code = out.max_code;
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

    const Tensor normed = tensor(Site::qkv_input, b, tokens, channels, 0);
    layer_norm(prefix + "norm1", block.norm1, normed, residual_, 0);
    attention(b, block, encode(site_name(Site::qkv_input, b), normed));

    const Tensor normed2 = tensor(Site::fc1_input, b, tokens, channels, 0);
    layer_norm(prefix + "norm2", block.norm2, normed2, residual_, 0);
    feed_forward(b, block, encode(site_name(Site::fc1_input, b), normed2));
  }

  void attention(int b, const FloatBlock& block, BufferId src) {
    const int tokens = vit_.tokens(), channels = vit_.embed_dim;
    const BufferId qkv = builder_.buffer(DataType::u8, tokens, 3 * channels);
    LinearOp project_in;
    project_in.src = src;
    project_in.dst = qkv;
    project_in.planes = planes(codes_at(Site::qkv_input, b));
    project_in.max_code = static_cast<std::uint32_t>(scheme(Site::query, b).highest_code());
    const auto column_scheme = [this, b, channels](int column) -> const UniformScheme& {
      constexpr Site kParts[] = {Site::query, Site::key, Site::value};
      return scheme(kParts[column / channels], b, column % channels / vit_.head_dim());
    };
    project_in.linear = linears_.requantized(block.qkv, layer_name(Layer::qkv, b),
                                             input_from(codes_at(Site::qkv_input, b), src, channels),
                                             {[&](int c) { return column_scheme(c).scale; },
                                              [&](int c) { return static_cast<double>(column_scheme(c).zero_point); }});
    builder_.step(layer_name(Layer::qkv, b), project_in);

    const std::string name = "blocks." + std::to_string(b) + ".attn";
    // The factor from a head's sums to the result must stay below 1 even where the sum of the codes is smallest.
    double largest_value_scale = 0;
    for (int h = 0; h < vit_.num_heads; ++h) {
      largest_value_scale = std::max(largest_value_scale, scheme(Site::value, b, h).scale);
    }
    const Tensor attended =
        tensor(Site::attention_output, b, tokens, channels, largest_value_scale / kLargestAttentionRatio);
    std::vector<std::int32_t> parameters;
    for (int h = 0; h < vit_.num_heads; ++h) {
      const auto head = attention_parameters(scheme(Site::query, b, h), scheme(Site::key, b, h),
                                             scheme(Site::value, b, h), attended.codes, vit_.head_dim());
      if (!head.ok()) return builder_.fail(name, head.status());
      parameters.insert(parameters.end(), head.value().begin(), head.value().end());
    }
    AttentionOp op;
    op.src = qkv;
    op.dst = attended.buffer;
    op.max_code = attended.max_code;
    op.heads = static_cast<std::uint32_t>(vit_.num_heads);
    op.head_dim = static_cast<std::uint32_t>(vit_.head_dim());
    op.parameters = builder_.constant(name + ".parameters", DataType::s32, parameters);
    set_softmax(b, name, op);
    builder_.step(name, op);

    LinearOp project_out;
    project_out.src = encode(site_name(Site::attention_output, b), attended);
    project_out.dst = residual_;
    project_out.kind = kernels::Epilogue::residual;
    project_out.planes = planes(attended.scheme);
    project_out.linear =
        linears_.requantized(block.proj, layer_name(Layer::proj, b),
                             input_from(attended.scheme, project_out.src, channels), residual_output());
    project_out.coarse_steps = coarse_steps_at(Site::residual_middle, b);
    builder_.step(layer_name(Layer::proj, b), project_out);
  }

  void set_softmax(int b, const std::string& name, AttentionOp& op) {
    const auto found = plan_.softmax.find(site_name(Site::post_softmax, b));
    if (found == plan_.softmax.end() || found->second.codes == SoftmaxKind::exponential) return;
    const SoftmaxEncoding e = make_softmax_encoding(found->second, vit_.num_heads);
    op.softmax_kind = e.kind;
    op.levels = e.levels;
    op.planes = e.planes;
    op.groups = e.groups;
    op.thresholds = builder_.constant(name + ".softmax_thresholds", DataType::s16, e.thresholds);
    op.values = builder_.constant(name + ".softmax_values", DataType::s16, e.values);
    if (e.groups > 0) op.row_groups = builder_.constant(name + ".row_groups", DataType::s32, e.row_groups);
  }

  void feed_forward(int b, const FloatBlock& block, BufferId src) {
    const LinearInput in = input_from(codes_at(Site::fc1_input, b), src, vit_.embed_dim);
    // Steps of x must be coarser than those of the sums, whose finest bits are noise anyway.
    const double coarsest_sum = in.scale * linears_.coarsest_scale(layer_name(Layer::fc1, b));
    const ActivationTable table =
        make_activation_table(vit_.activation, plan_.magnitudes.at(site_name(Site::fc1_output, b)), coarsest_sum);
    Tensor hidden = tensor(Site::fc2_input, b, vit_.tokens(), vit_.mlp_dim, std::ldexp(1.001, -table.fraction_bits));
    // codes = x * multiplier / 2^15: the scale is moved by a fraction of a percent so that the multiplier is whole.
    const double multiplier = std::round(std::ldexp(1 / hidden.codes.scale, 15 - table.fraction_bits));
    if (multiplier < 1 || multiplier > 32767) {
      builder_.fail(layer_name(Layer::fc1, b), {Code::unsupported, "an activation scale out of range"});
      return;
    }
    const double moved = std::ldexp(1 / multiplier, 15 - table.fraction_bits) / hidden.codes.scale;
    hidden.codes.scale *= moved;
    hidden.unit.unit *= moved;
    // The grid moves along, except under a table, whose thresholds are simply told in the unit that it is.
    ActivationScheme contract_scheme = hidden.scheme;
    if (hidden.scheme.kind != CodeKind::table) contract_scheme.grid.scale *= moved;

    LinearOp expand;
    expand.src = src;
    expand.dst = hidden.buffer;
    expand.kind = kernels::Epilogue::activation;
    expand.planes = planes(codes_at(Site::fc1_input, b));
    expand.max_code = hidden.max_code;
    LinearOutput hidden_output{[unit = std::ldexp(1.0, -table.fraction_bits)](int) { return unit; }};
    hidden_output.precision = MultiplierPrecision::sixteen;
    expand.linear = linears_.requantized(block.fc1, layer_name(Layer::fc1, b), in, hidden_output);
    expand.activation = builder_.constant(layer_name(Layer::fc1, b) + ".activation", DataType::s16, table.entries);
    expand.activation_segment_bits = static_cast<std::uint32_t>(table.segment_bits);
    expand.activation_multiplier = static_cast<std::uint32_t>(multiplier);
    expand.activation_zero_point = static_cast<std::uint32_t>(hidden.codes.zero_point);
    builder_.step(layer_name(Layer::fc1, b), expand);

    LinearOp contract;
    contract.src = encode(site_name(Site::fc2_input, b),
                          {contract_scheme, hidden.buffer, hidden.codes, hidden.unit, hidden.max_code});
    contract.dst = residual_;
    contract.kind = kernels::Epilogue::residual;
    contract.planes = planes(contract_scheme);
    contract.linear = linears_.requantized(block.fc2, layer_name(Layer::fc2, b),
                                           input_from(contract_scheme, contract.src, vit_.mlp_dim), residual_output());
    contract.coarse_steps = coarse_steps_at(Site::residual, b);
    builder_.step(layer_name(Layer::fc2, b), contract);
  }

  // Pooling, final norm, head. A distilled model's head reads the normed class and distillation rows as one long row.
  void classify() {
    const FloatLinear& head = network_.head;
    const int channels = vit_.embed_dim;
    BufferId pooled = residual_;
    if (vit_.pooling == Pooling::average) {
      if (!vit_.fc_norm) {
        builder_.fail("head",
                      {Code::unsupported, "average pooling after the final norm, which this version cannot do"});
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
    const Tensor normed = tensor(Site::head_input, -1, rows, channels, 0);
    layer_norm(vit_.fc_norm ? "fc_norm" : "norm", network_.norm, normed, pooled, 0);
    const UniformScheme& codes = normed.codes;
    const int stride = static_cast<int>(builder_.at(normed.buffer).stride);
    LinearInput in{codes.scale, codes.zero_point, rows * stride, {}, codes.highest_code()};
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < channels; ++c) in.placement.push_back(r * stride + c);
    }
    const BufferId logits = builder_.buffer(DataType::s32, 1, head.out);
    builder_.program().add_port("logits", PortKind::logits, logits).exponent = -16;
    LinearOp op;
    op.src = normed.buffer;
    op.dst = logits;
    op.kind = kernels::Epilogue::logits;
    op.linear = linears_.logits(head, layer_name(Layer::head, -1), in, std::exp2(-16));
    builder_.step("head", op);
  }

  const FloatNetwork& network_;
  const VitDescription& vit_;
  const Plan& plan_;
  ProgramBuilder builder_;
  LinearLowering linears_;
  double residual_unit_ = 0;
  BufferId picture_ = kNone, residual_ = kNone;
};

}  // namespace

Result<LoweredModel> lower(const FloatNetwork& network, const Plan& plan, RoundedLayers rounded) {
  if (Status status = check_plan(network.description, plan); !status.ok()) return status;
  round_the_rest(network, plan, 1, rounded);
  return Lowering(network, plan, std::move(rounded)).run();
}

}  // namespace intvit
