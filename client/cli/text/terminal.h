// What is known of the terminal, and text that is safe to put on it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pawl::cli {

/// One output, as it was when the program started.
struct Screen {
  bool tty = false;
  bool colours = false;     // a tty, and neither NO_COLOR nor TERM=dumb
  std::size_t columns = 0;  // 0: unlimited, since nobody reads lines that wrap
  std::size_t rows = 0;
  /// fd: 1 or 2.
  static Screen of(int fd);
};

enum class Tone { plain, bold, dim, good, warn, bad };
/// `text` in the tone, when the screen has colours.
std::string toned(std::string_view text, Tone tone, const Screen& screen);

/// Control characters and broken UTF-8 replaced by "·" or U+FFFD, so that a job's message cannot move the
/// cursor or recolour the screen. Newlines too, unless `keep_lines`.
std::string printable(std::string_view text, bool keep_lines = false);

/// Columns that `text` takes; it must be printable. Combining marks count 0, wide East Asian characters and
/// emoji 2.
std::size_t display_width(std::string_view text);
/// `text` cut to `columns`, with "…" where something is missing.
std::string fitted(std::string_view text, std::size_t columns);

/// "████▌     " of `columns` for percent 0…100, in eighths of a column.
std::string bar_text(double percent, std::size_t columns);

/// Writes all of it and flushes. False: the reader went away.
bool print(std::string_view text);
/// The same on standard error.
void print_error(std::string_view text);

}  // namespace pawl::cli
