// Texts of others made harmless for a terminal, wherever a tool prints them: names in a model's file, labels, names of
// pictures.
#pragma once

namespace intvit {

// If stdout is a terminal, lines that printf() and std::cout write from here on are shown as escaped() makes them
// (shown_text.h); tabs stay. std::ios::sync_with_stdio() comes before it.
void escape_stdout();

// Writes a last line that has no end. false: what was written before could not be written.
bool finish_stdout();

}  // namespace intvit
