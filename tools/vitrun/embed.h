// Embeddings of pictures, from a cache where they are in it, and how near they are to each other.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "intvit/picture.h"
#include "tools/common/pictures/input_pictures.h"
#include "tools/common/results/outputs.h"
#include "tools/vitrun/embedding_cache.h"

namespace intvit {

// The place among the model's outputs of its embedding. invalid_argument if it has none, which `option` needs.
Result<std::size_t> embedding_output(const Model& model, const std::string& option);

struct Embedded {
  std::vector<std::string> names;  // of the pictures that ran, in order
  std::vector<RealValues> values;
  std::vector<std::pair<std::string, std::string>> failed;  // name and reason; stderr has them, too
  std::size_t from_cache = 0;
};

// Shows progress on a terminal, unless `quiet`.
Result<Embedded> embed_pictures(const std::shared_ptr<const Model>& model, Isa isa, int threads,
                                const std::vector<InputPicture>& pictures, const PictureOptions& reading,
                                std::size_t output, EmbeddingCache& cache, bool quiet = false);

// Of the angle between two embeddings; 0 where one has no length.
double cosine(const RealValues& a, const RealValues& b);

struct Neighbour {
  std::size_t index = 0;
  double cosine = 0;
};

// The `count` of `values` that are nearest to `query`, nearest first; of equals the first.
std::vector<Neighbour> nearest(const RealValues& query, const std::vector<RealValues>& values, std::size_t count);

}  // namespace intvit
