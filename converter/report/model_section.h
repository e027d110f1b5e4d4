// What a model file says of itself, as parts of a report page.
#pragma once

#include <string>

#include "converter/errors/sensitivity.h"
#include "intvit/model.h"

namespace intvit {

// "facebook/deit-tiny, W4A8, method auto": what stands below the title. Plain text.
std::string model_subtitle(const Metadata& metadata);

// A table of facts: source, method, bits, size, outputs, preprocessing. HTML.
std::string model_facts(const Model& model);

// Sizes and accuracies that catch the eye. HTML.
std::string model_tiles(const Model& model);

// The output that quality is measured at, as words: "the logits". Plain text.
std::string judged_text(const Model& model);

// Signal to noise of one output: what metadata holds. 0 where it holds none.
double judged_db(const Metadata& metadata);

}  // namespace intvit
