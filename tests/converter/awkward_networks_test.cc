// Networks with channels, heads and layers that are dead, constant or one-sided convert all the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "converter/methods/method.h"
#include "tests/converter/conversion_parts.h"
#include "tests/converter/small_network.h"

using namespace intvit;

TEST_CASE("awkward networks convert with every method at 4 bits") {
  VitDescription vit = small_vit();
  const auto c = static_cast<std::size_t>(vit.embed_dim);
  for (int variant = 0; variant < 5; ++variant) {
    FloatNetwork network = random_network(vit, 41);
    FloatLinear &qkv = linear_of(network, "blocks.0.attn.qkv"), &fc1 = linear_of(network, "blocks.0.mlp.fc1");
    FloatLinear &proj = linear_of(network, "blocks.0.attn.proj"), &fc2 = linear_of(network, "blocks.0.mlp.fc2");
    FloatLinear& patch_embed = linear_of(network, "patch_embed");
    FloatLayerNorm &norm1 = norm_of(network, "blocks.0.norm1"), &norm2 = norm_of(network, "blocks.0.norm2");
    if (variant == 0) {  // dead LayerNorm channels, with a constant and with nothing
      for (const std::size_t i : {std::size_t{0}, std::size_t{7}, c - 1}) norm1.gamma[i] = norm2.gamma[i] = 0;
      norm1.beta[0] = norm2.beta[7] = norm_of(network, "norm").gamma[3] = 0;
    } else if (variant == 1) {  // constant channels: in the values, in the hidden layer, in the stream
      for (const std::size_t o : {2 * c + 1, 2 * c + 20}) {
        std::fill_n(qkv.weight.begin() + static_cast<std::ptrdiff_t>(o * c), c, 0.0f);
      }
      std::fill_n(fc1.weight.begin(), 5 * c, 0.0f);
      fc1.bias[0] = 3;
      std::fill_n(proj.weight.begin(), c, 0.0f);
      std::fill_n(patch_embed.weight.begin(), patch_embed.in, 0.0f);
    } else if (variant == 2) {  // weights of one sign
      for (FloatLinear* layer : {&qkv, &fc2, &patch_embed}) {
        for (float& w : layer->weight) w = std::abs(w);
      }
      for (float& w : fc1.weight) w = -std::abs(w);
    } else if (variant == 3) {  // an attention that is given nothing and has its bias only
      std::fill(norm1.gamma.begin(), norm1.gamma.end(), 0.0f);
      std::fill(norm1.beta.begin(), norm1.beta.end(), 0.0f);
    } else {  // heads that attend to one token, and one whose attention is the same everywhere
      const auto d = static_cast<std::size_t>(vit.head_dim());
      for (std::size_t i = 0; i < 2 * c * c; ++i) qkv.weight[i] *= i / c % c < d ? 0.0f : 15.0f;
    }
    for (const Method& method : methods()) {
      CAPTURE(variant);
      CAPTURE(method.name);
      SyntheticPictures pictures(4, 32, 32, 6);
      const ConvertOptions options{
          .method = std::string(method.name), .weight_bits = 4, .activation_bits = 4, .plan = {}};
      const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
      // RepQ's channel-wise scales of nothing at all make products that are coarser than the codes behind them.
      const bool refusable = variant == 3 && method.name == "repq";
      if (refusable && !conversion.ok()) CHECK(conversion.status().code() == Code::unsupported);
      CHECK_MESSAGE((conversion.ok() || refusable), conversion.status().message());
      if (!conversion.ok()) continue;
      // JSON has no other way to write NaN and infinity.
      const std::string json = plan_to_json(conversion.value().plan);
      for (const char* bad : {"null", "nan", "inf"}) CHECK(json.find(bad) == std::string::npos);
      CHECK(std::isfinite(sqnr_db(conversion.value())));
      CHECK(sqnr_db(conversion.value()) > 0);
      for (const SiteError& error : conversion.value().site_errors) CHECK_FALSE(std::isnan(error.sqnr_db));
    }
  }
}
