// How far the work is, for people: a bar that is redrawn on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace demo {

struct Progress {
  std::size_t submitted = 0;
  std::size_t completed = 0;
  std::size_t dead = 0;
  std::size_t active = 0;
  std::size_t waiting = 0;  // pending, delayed, stalled
};

class ProgressBar {
 public:
  ProgressBar();
  void show(const Progress& progress);
  /// A line above the bar.
  void say(const std::string& line);
  /// Leaves the bar as it stands.
  void finish();

 private:
  std::string draw(const Progress& progress);

  bool terminal_;
  bool shown_ = false;
  std::size_t told_tenths_ = 0;  // without a terminal: one line for each tenth
  std::chrono::steady_clock::time_point began_;
  Progress last_;
};

}  // namespace demo
