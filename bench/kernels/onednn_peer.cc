#include "bench/kernels/onednn_peer.h"

#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <dnnl.hpp>
#include <unordered_map>
#include <vector>

namespace intvit::bench {
namespace {

using namespace kernels;
using dnnl::memory;

// K x N, row by row.
std::vector<std::int8_t> plain_weights(const LinearWeights& weights) {
  std::vector<std::int8_t> plain;
  for (int k = 0; k < weights.k; ++k) {
    for (int n = 0; n < weights.n; ++n) {
      plain.push_back(static_cast<std::int8_t>(weights.tiles[tile_offset(n, k, weights.k)]));
    }
  }
  return plain;
}

class Matmul : public OnednnMatmul {
 public:
  Matmul(const Shape& shape, Epilogue epilogue)
      : linear_(shape, {8, epilogue}), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    omp_set_num_threads(1);
    const LinearArgs& args = linear_.args();
    const memory::dim rows = args.rows, k = args.weights.k, n = args.weights.n;
    const auto result = epilogue == Epilogue::codes ? memory::data_type::u8 : memory::data_type::s32;
    const memory::desc src({rows, k}, memory::data_type::u8, memory::format_tag::ab);
    const memory::desc any_weights({k, n}, memory::data_type::s8, memory::format_tag::any);
    const memory::desc bias({1, n}, memory::data_type::s32, memory::format_tag::ab);
    const memory::desc dst({rows, n}, result, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    attributes.set_output_scales(1 << 1,
                                 std::vector<float>(static_cast<std::size_t>(n), static_cast<float>(linear_.scale())));
    const dnnl::matmul::primitive_desc description({src, any_weights, bias, dst}, attributes, engine_);
    implementation_ = description.impl_info_str();
    matmul_ = dnnl::matmul(description);

    std::vector<std::int8_t> plain = plain_weights(args.weights);
    memory plain_memory({{k, n}, memory::data_type::s8, memory::format_tag::ab}, engine_, plain.data());
    memory packed(description.weights_desc(), engine_);
    dnnl::reorder(plain_memory, packed).execute(stream_, plain_memory, packed);
    stream_.wait();
    results_ = memory(dst, engine_);
    arguments_ = {{DNNL_ARG_SRC, memory(src, engine_, linear_.src())},
                  {DNNL_ARG_WEIGHTS, packed},
                  {DNNL_ARG_BIAS, memory(bias, engine_, const_cast<std::int32_t*>(args.requantizer.bias))},
                  {DNNL_ARG_DST, results_}};
  }

  void run() override {
    matmul_.execute(stream_, arguments_);
    stream_.wait();
  }

  std::string implementation() const override { return implementation_; }

  // The largest distance of a result from our kernel's, which rounds codes twice where oneDNN rounds once.
  std::int64_t largest_difference(const LinearKernels& kernels) {
    run();
    const LinearArgs& args = linear_.args();
    kernels.run(args);
    std::int64_t largest = 0;
    for (int r = 0; r < args.rows; ++r) {
      for (int c = 0; c < args.weights.n; ++c) {
        const std::ptrdiff_t ours = r * args.dst_stride + c, theirs = std::ptrdiff_t{r} * args.weights.n + c;
        const std::int64_t difference = args.epilogue == Epilogue::codes
                                            ? std::int64_t{static_cast<const std::uint8_t*>(args.dst)[ours]} -
                                                  static_cast<const std::uint8_t*>(results_.get_data_handle())[theirs]
                                            : std::int64_t{static_cast<const std::int32_t*>(args.dst)[ours]} -
                                                  static_cast<const std::int32_t*>(results_.get_data_handle())[theirs];
        largest = std::max(largest, std::abs(difference));
      }
    }
    return largest;
  }

 private:
  LinearCase linear_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul matmul_;
  memory results_;
  std::unordered_map<int, memory> arguments_;
  std::string implementation_;
};

}  // namespace

bool limit_onednn(Isa isa) {
  const auto limit = [](dnnl::cpu_isa most) { return dnnl::set_max_cpu_isa(most) == dnnl::status::success; };
  switch (isa) {
    case Isa::scalar:
    case Isa::neon:
      return false;
    case Isa::avx2:
      return limit(dnnl::cpu_isa::avx2);
    case Isa::avxvnni:
      return limit(dnnl::cpu_isa::avx2_vnni);
    case Isa::avx512vnni:
      return limit(dnnl::cpu_isa::avx512_core_vnni);
    case Isa::amx:
      return limit(dnnl::cpu_isa::avx512_core_amx);
  }
  return false;
}

Result<std::shared_ptr<OnednnMatmul>> OnednnMatmul::create(const LinearKernels& kernels, const Shape& shape,
                                                           Epilogue epilogue) {
  try {
    const auto matmul = std::make_shared<Matmul>(shape, epilogue);
    const std::int64_t difference = matmul->largest_difference(kernels);
    if (difference > 1) {
      return Status(Code::check_failed, "oneDNN's results (" + matmul->implementation() + ") differ by up to " +
                                            std::to_string(difference) + "; 1 is allowed");
    }
    return std::shared_ptr<OnednnMatmul>(matmul);
  } catch (const dnnl::error& error) {
    return Status(Code::unsupported, std::string("oneDNN: ") + error.what());
  }
}

}  // namespace intvit::bench
