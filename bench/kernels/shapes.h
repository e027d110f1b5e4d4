// The multiplications of the models that the tables speak of, at 224 x 224 with patches of 16 x 16.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace intvit::bench {

inline constexpr int kTokens = 197;
inline constexpr int kPatches = 196;
inline constexpr int kPatchValues = 16 * 16 * 3;
inline constexpr int kClasses = 1000;
inline constexpr int kHeadDim = 64;

struct Model {
  const char* name;
  int channels;
  int heads() const { return channels / kHeadDim; }
};

inline constexpr std::array<Model, 3> kModels = {{{"DeiT-Tiny", 192}, {"DeiT-Small", 384}, {"ViT-Base", 768}}};

enum class Layer { patch, qkv, proj, fc1, fc2, head };

struct Shape {
  Layer layer;
  std::string name;  // "DeiT-Tiny qkv 197x192x576": rows x depth x columns
  int rows, k, n;

  std::int64_t multiplications() const { return std::int64_t{rows} * k * n; }
};

inline Shape make_shape(const Model& model, Layer layer, const char* layer_name, int rows, int k, int n) {
  return {layer,
          std::string(model.name) + " " + layer_name + " " + std::to_string(rows) + "x" + std::to_string(k) + "x" +
              std::to_string(n),
          rows, k, n};
}

// The four layers of a block.
inline std::vector<Shape> block_shapes(const Model& model) {
  const int c = model.channels;
  return {
      make_shape(model, Layer::qkv, "qkv", kTokens, c, 3 * c), make_shape(model, Layer::proj, "proj", kTokens, c, c),
      make_shape(model, Layer::fc1, "fc1", kTokens, c, 4 * c), make_shape(model, Layer::fc2, "fc2", kTokens, 4 * c, c)};
}

inline std::vector<Shape> all_shapes(const Model& model) {
  std::vector<Shape> shapes = block_shapes(model);
  shapes.insert(shapes.begin(), make_shape(model, Layer::patch, "patch", kPatches, kPatchValues, model.channels));
  shapes.push_back(make_shape(model, Layer::head, "head", 1, model.channels, kClasses));
  return shapes;
}

}  // namespace intvit::bench
