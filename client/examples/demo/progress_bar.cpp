#include "client/examples/demo/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace demo {
namespace {
constexpr std::size_t width = 32;
}

ProgressBar::ProgressBar()
    : terminal_(::isatty(STDOUT_FILENO) == 1), began_(std::chrono::steady_clock::now()) {}

std::string ProgressBar::draw(const Progress& progress) {
  const std::size_t ended = progress.completed + progress.dead;
  const std::size_t all = std::max<std::size_t>(1, progress.submitted);
  const std::size_t full = ended * width / all;
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  char text[160];
  std::snprintf(text, sizeof text, " %3zu %%  %zu of %zu   %zu at work, %zu waiting, %zu dead   %.0f jobs/s",
                ended * 100 / all, ended, progress.submitted, progress.active, progress.waiting,
                progress.dead, seconds > 0 ? static_cast<double>(ended) / seconds : 0.0);
  return bar + text;
}

void ProgressBar::show(const Progress& progress) {
  last_ = progress;
  if (terminal_) {
    std::printf("\r\033[K%s", draw(progress).c_str());
  } else {
    const std::size_t tenths =
        (progress.completed + progress.dead) * 10 / std::max<std::size_t>(1, progress.submitted);
    if (shown_ && tenths == told_tenths_) return;
    told_tenths_ = tenths;
    std::printf("%s\n", draw(progress).c_str());
  }
  shown_ = true;
  std::fflush(stdout);
}

void ProgressBar::say(const std::string& line) {
  if (terminal_ && shown_) {
    std::printf("\r\033[K%s\n%s", line.c_str(), draw(last_).c_str());
  } else {
    std::printf("%s\n", line.c_str());
  }
  std::fflush(stdout);
}

void ProgressBar::finish() {
  if (terminal_ && shown_) std::printf("\n");
  std::fflush(stdout);
}

}  // namespace demo
