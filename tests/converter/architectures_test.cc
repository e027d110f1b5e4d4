// The list of known architectures.
#include "models/architectures.h"

#include <doctest/doctest.h>

using namespace intvit;

TEST_CASE("architectures: every line is consistent and known by its name") {
  for (const Architecture& architecture : architectures()) {
    CAPTURE(architecture.name);
    CHECK(find_architecture(architecture.name) == &architecture);  // no name twice
    CHECK(architecture.embed_dim % architecture.num_heads == 0);
    CHECK(architecture.image_size % architecture.patch_size == 0);
    const VitDescription vit = to_description(architecture);
    CHECK((vit.class_token || vit.pooling != Pooling::token));
  }
  CHECK(find_architecture("deit_tiny_patch16_224.fb_in1k") != nullptr);
  CHECK(describe_architecture("vit_giant_patch14_224")->mlp_dim == 6144);
  CHECK(describe_architecture("vit_gigantic_patch14_224")->mlp_dim == 8192);
  CHECK(describe_architecture("deit3_base_patch16_224")->no_embed_class);
  for (const char* giant : {"vit_giant_patch14_dinov2", "vit_giant_patch14_reg4_dinov2"}) {
    const VitDescription vit = *describe_architecture(giant);
    CHECK(vit.gated_mlp);
    CHECK(vit.fc1_dim() == 8192);
    CHECK(vit.mlp_dim == 4096);
    CHECK(vit.activation == Activation::silu);
    CHECK(vit.patches() == 37 * 37);
  }
  CHECK(nearest_architecture("vit_bas_patch16_224") == "vit_base_patch16_224");
  CHECK(nearest_architecture("resnet50").empty());
}
