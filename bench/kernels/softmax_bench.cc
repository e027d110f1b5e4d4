// Softmax row by row, and whole attentions, by the kind of softmax codes.
#include <cmath>

#include "bench/kernels/benches.h"
#include "bench/kernels/shapes.h"
#include "bench/kernels/softmax_format.h"
#include "kernels/arithmetic/arithmetic.h"
#include "kernels/attention/attention.h"

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr double kCodeSigma = 42;  // of q, k and v around 128

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const SoftmaxFormat& format : kSoftmaxFormats) names.push_back(format.name);
  return names;
}

// A row of scores at a time, over and over.
class SoftmaxCase {
 public:
  explicit SoftmaxCase(const SoftmaxFormat& format) : levels_(format) {
    test::Random random(3);
    constexpr int kSpread = 1000;
    const auto padded = static_cast<std::size_t>(padded_depth(kTokens));
    scores_ = Buffer<std::int32_t>(padded, -kSpread, kSpread, random);
    dst_ = Buffer<std::uint8_t>(2 * padded);
    scratch_ = Buffer<std::uint8_t>(softmax_scratch_bytes(static_cast<int>(padded)));
    args_.scores = scores_.data();
    args_.dst = dst_.data();
    args_.plane_stride = format.two_planes ? static_cast<std::ptrdiff_t>(padded) : 0;
    args_.columns = kTokens;
    args_.padded_columns = static_cast<int>(padded);
    args_.scale = softmax_scale(kSpread / std::sqrt(3.0));
    args_.kind = format.kind;
    args_.table = levels_.table();
    args_.scratch = scratch_.data();
  }
  SoftmaxCase(const SoftmaxCase&) = delete;
  SoftmaxCase& operator=(const SoftmaxCase&) = delete;

  const SoftmaxArgs& args() const { return args_; }

 private:
  SoftmaxLevels levels_;
  Buffer<std::int32_t> scores_;
  Buffer<std::uint8_t> dst_, scratch_;
  SoftmaxArgs args_{};
};

// All heads of a layer.
class AttentionCase {
 public:
  AttentionCase(const Model& model, const SoftmaxFormat& format, bool values) : model_(model), levels_(format) {
    test::Random random(4);
    const auto c = static_cast<std::size_t>(model.channels);
    qkv_ = Buffer<std::uint8_t>(kTokens * 3 * c);
    for (std::size_t i = 0; i < qkv_.size(); ++i) {
      qkv_[i] = saturate_u8(static_cast<std::int32_t>(std::lround(random.bell(128, kCodeSigma))));
    }
    dst_ = Buffer<std::int16_t>(kTokens * c);
    scratch_ = Buffer<std::uint8_t>(attention_scratch_bytes(kTokens, kHeadDim));
    args_.q_stride = args_.k_stride = args_.v_stride = 3 * model.channels;
    args_.dst_stride = model.channels;
    args_.tokens = args_.query_end = kTokens;
    args_.head_dim = kHeadDim;
    args_.head.q_zero = args_.head.v_zero = args_.head.out_zero = 128;
    args_.head.softmax = softmax_scale(std::sqrt(static_cast<double>(kHeadDim)) * kCodeSigma * kCodeSigma);
    args_.head.ratio = 1u << 30;
    args_.head.ratio_shift = values ? 26 : 30;
    args_.softmax_kind = format.kind;
    args_.softmax_table = levels_.table();
    args_.two_planes = format.two_planes;
    args_.max_code = 255;
    args_.values = values;
    args_.scratch = scratch_.data();
  }
  AttentionCase(const AttentionCase&) = delete;
  AttentionCase& operator=(const AttentionCase&) = delete;

  void run(const AttentionKernels& kernels) {
    for (int head = 0; head < model_.heads(); ++head) {
      AttentionArgs args = args_;
      args.q = qkv_.data() + head * kHeadDim;
      args.k = args.q + model_.channels;
      args.v = args.k + model_.channels;
      if (args.values) {
        args.dst = dst_.data() + head * kHeadDim;
      } else {
        args.dst = reinterpret_cast<std::uint8_t*>(dst_.data()) + head * kHeadDim;
      }
      kernels.run(args);
    }
  }

 private:
  Model model_;
  SoftmaxLevels levels_;
  Buffer<std::uint8_t> qkv_, scratch_;
  Buffer<std::int16_t> dst_;
  AttentionArgs args_{};
};

}  // namespace

void add_softmax(Suite& suite, const KernelTable& kernels) {
  suite.add_table({"softmax",
                   "Softmax of one row, 16 levels: time ratio to exponential codes",
                   Unit::ns_per_element,
                   Show::ratios,
                   {},
                   format_names()});
  for (const SoftmaxFormat& format : kSoftmaxFormats) {
    suite.add("197 scores", format.name, kTokens, [&kernels, &format]() -> Result<Body> {
      const auto softmax = std::make_shared<SoftmaxCase>(format);
      return Body([&kernels, softmax] { kernels.softmax->run(softmax->args()); });
    });
  }
}

void add_attention(Suite& suite, const KernelTable& kernels) {
  std::vector<std::string> columns = format_names();
  columns.push_back("16-bit results");
  suite.add_table({"attention",
                   "Attention, all heads, 16 levels: time ratio to exponential codes",
                   Unit::gmac_per_s,
                   Show::ratios,
                   {},
                   columns});
  for (const Model& model : kModels) {
    const auto add = [&](const char* column, const SoftmaxFormat& format, bool values) {
      const std::int64_t items = std::int64_t{2} * kTokens * kTokens * model.channels;
      suite.add(model.name, column, items, [&kernels, &format, model, values]() -> Result<Body> {
        const auto attention = std::make_shared<AttentionCase>(model, format, values);
        return Body([&kernels, attention] { attention->run(*kernels.attention); });
      });
    };
    for (const SoftmaxFormat& format : kSoftmaxFormats) add(format.name, format, false);
    add("16-bit results", kSoftmaxFormats[0], true);
  }
}

}  // namespace intvit::bench
