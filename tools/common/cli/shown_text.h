// Texts that others wrote, names of files and labels above all, as a tool shows them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace intvit {

inline constexpr std::size_t kLongestShown = 400;

// At most `longest` bytes of a text, beginning and end, with "..." between; never half a character of UTF-8.
std::string shortened(std::string_view text, std::size_t longest = kLongestShown);

// Control characters, ESC among them, and bytes that are no UTF-8 as \n, \t or \x1b: a terminal obeys those.
std::string escaped(std::string_view text);

// `text`, escaped if the file descriptor is a terminal.
std::string shown_on(int file, std::string_view text);

// A bar of blocks for a share from 0 to 1, in eighths of a cell, and blanks up to `cells`.
std::string text_bar(double share, int cells);

// Whether the file descriptor is a terminal that shows such blocks: one of UTF-8, as the locale has it.
bool shows_bars(int file);

// "TOOL: MESSAGE" on stderr, one line of bounded length whatever is in the message.
void print_message(std::string_view tool, std::string_view message);

}  // namespace intvit
