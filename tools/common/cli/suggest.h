// "Did you mean": the known word that is closest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace intvit {

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
int edit_distance(std::string_view a, std::string_view b);

// The closest of `known`, or empty if none is similar: at most a third of the word's letters differ (and at least one
// may).
std::string closest(std::string_view word, const std::vector<std::string>& known);

}  // namespace intvit
