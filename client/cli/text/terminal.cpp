#include "client/cli/text/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "client/cli/text/utf8.h"

namespace pawl::cli {
namespace {

struct Span {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool in(const std::array<Span, N>& spans, char32_t value) {
  return std::ranges::any_of(spans,
                             [&](const Span& span) { return value >= span.first && value <= span.last; });
}

std::size_t columns_of(char32_t value) {
  static constexpr std::array marks{Span{0x300, 0x36f},   Span{0x1ab0, 0x1aff}, Span{0x1dc0, 0x1dff},
                                    Span{0x200b, 0x200f}, Span{0x20d0, 0x20ff}, Span{0xfe00, 0xfe0f},
                                    Span{0xfe20, 0xfe2f}};
  static constexpr std::array wide{Span{0x1100, 0x115f},   Span{0x2e80, 0xa4cf},   Span{0xac00, 0xd7a3},
                                   Span{0xf900, 0xfaff},   Span{0xfe30, 0xfe6f},   Span{0xff00, 0xff60},
                                   Span{0xffe0, 0xffe6},   Span{0x1f300, 0x1f64f}, Span{0x1f680, 0x1f6ff},
                                   Span{0x1f900, 0x1f9ff}, Span{0x20000, 0x3fffd}};
  if (value < 0x300) return 1;
  if (in(marks, value)) return 0;
  return in(wide, value) ? 2 : 1;
}

bool control(char32_t value) {
  // C0, DEL, C1 and the marks that reorder a line: what a terminal acts on instead of showing it.
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x202a && value <= 0x202e) ||
         (value >= 0x2066 && value <= 0x2069);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Screen Screen::of(int fd) {
  Screen screen;
  screen.tty = ::isatty(fd) == 1;
  if (!screen.tty) return screen;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  screen.colours =
      (no_color == nullptr || *no_color == 0) && term != nullptr && std::string_view{term} != "dumb";
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row;
  } else {
    screen.columns = 80;
    screen.rows = 24;
  }
  return screen;
}

std::string toned(std::string_view text, Tone tone, const Screen& screen) {
  static constexpr std::array<std::string_view, 6> codes{"", "1", "2", "32", "33", "31"};
  const std::string_view code = codes[static_cast<std::size_t>(tone)];
  if (!screen.colours || code.empty()) return std::string{text};
  return std::string{"\x1b["}.append(code).append("m").append(text).append("\x1b[0m");
}

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::string_view bytes = text.substr(0, point.bytes);
    text.remove_prefix(point.bytes);
    if (!point.valid) {
      out.append("\xef\xbf\xbd");
    } else if (point.value == '\t') {
      out.append(" ");
    } else if (control(point.value) && !(keep_lines && point.value == '\n')) {
      out.append("·");
    } else {
      out.append(bytes);
    }
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    width += point.valid ? columns_of(point.value) : 1;
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string fitted(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string{text};
  if (columns == 0) return {};
  std::size_t width = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const CodePoint point = first_code_point(text.substr(bytes));
    const std::size_t more = point.valid ? columns_of(point.value) : 1;
    if (width + more > columns - 1) break;
    width += more;
    bytes += point.bytes;
  }
  return std::string{text.substr(0, bytes)}.append("…");
}

std::string bar_text(double percent, std::size_t columns) {
  static constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = std::clamp(std::isfinite(percent) ? percent : 0.0, 0.0, 100.0) / 100;
  const auto eighths = static_cast<std::size_t>(share * static_cast<double>(columns) * 8);
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i) bar.append("█");
  bar.append(parts[eighths % 8]);
  const std::size_t used = eighths / 8 + (eighths % 8 != 0 ? 1 : 0);
  return bar.append(columns - used, ' ');
}

bool print(std::string_view text) { return write_all(STDOUT_FILENO, text); }
void print_error(std::string_view text) { write_all(STDERR_FILENO, text); }

}  // namespace pawl::cli
