// Makes a classifier of an encoder: embeddings of texts become the weights of its logits.
#pragma once

#include "converter/families/class_texts.h"
#include "converter/families/vit/weights.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"

namespace intvit {

// Scale and bias are those of `texts`, else of the checkpoint. invalid_argument if the network has classes already, if
// the texts' embeddings have another width than its own, or if nobody knows scale or bias.
Status add_texts(const ClassTexts& texts, const TensorTable& tensors, VitWeights& weights);

}  // namespace intvit
