// vitrun --attention: pictures with what the model looks at, by the library's attention (intvit/attention.h). Display
// only: the integers are the model's, what is drawn of them is real numbers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "intvit/model.h"
#include "intvit/session.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {

// What to draw of a layer.
struct AttentionChoice {
  int layer = 0;         // counted from 0, as it runs
  int head = -1;         // -1: the mean of all
  bool rollout = false;  // through all layers up to this one, with the residual stream as half of each
};

// `layer` is a number, counted from the end if it is negative, and `head` a number, "mean" or "rollout".
// invalid_argument: there is no such layer or head.
Result<AttentionChoice> attention_choice(const Model& model, int layer, const std::string& head);

// The layers that a session must be asked for.
std::vector<int> layers_needed(const AttentionChoice& choice);

// How much is looked at each place of the grid, row after row, [grid_height][grid_width]: by the class token or a
// learned query where there is one, else the mean of all queries. Of windows, each in its place. After run(), of
// picture 0. invalid_argument: a rollout through windows, or through layers with different tokens; unsupported: the
// layer does not show its grid.
Result<std::vector<double>> attention_map(const Session& session, const AttentionChoice& choice);

// The picture in grey with the map over it, [height][width][3]: dark blue is little, yellow is as much as anywhere.
std::vector<std::uint8_t> draw_attention(const std::uint8_t* picture, int height, int width,
                                         const std::vector<double>& map, int grid_height, int grid_width);

// Writes a PNG for every picture into the folder of --attention and prints their names. The exit code, or why nothing
// could be done.
Result<int> write_attention_maps(const VitrunOptions& options, const std::shared_ptr<const Model>& model, Isa isa);

}  // namespace intvit
