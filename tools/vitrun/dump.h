// vitrun --dump: the integers at places of the network, as NumPy arrays.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "intvit/isa.h"
#include "intvit/model.h"
#include "tools/vitrun/sites.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// A name for each site that can be one of a file, whatever a model's layers are called: "blocks.3.norm1.layer_norm",
// with
// ".aside" for lists, and with "-2" for another one of the same name.
std::vector<std::string> site_names(const std::vector<Site>& sites);

// The sites whose name, or whose layer, one of the patterns has, in the order of the program; * and ? stand for what
// they do in a shell. invalid_argument if one has none, or none that can be shown.
Result<std::vector<std::size_t>> chosen_sites(const std::vector<Site>& sites, const std::vector<std::string>& patterns);

// Writes an array [pictures, rows, columns] for each site of --dump and prints what was written, or prints which sites
// there are. The exit code, or why nothing could be done.
Result<int> dump_sites(const VitrunOptions& options, const Model& model, Isa isa);

}  // namespace intvit
