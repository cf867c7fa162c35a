// Programs that a program runs beside itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pawl::process {

/// A child process. Ends with its parent, also when that is killed, unless it is let go.
class Child {
 public:
  struct Start {
    std::vector<std::string> command;
    std::string log;           // file for standard error
    bool pipe_output = false;  // else standard output goes to the log too
    bool outlive = false;      // a session of its own; nothing ends it but itself
    std::string without = {};  // environment variables whose names begin so are not handed on; empty: all are
  };

  Child() = default;
  /// Throws std::runtime_error when the program cannot be started.
  explicit Child(const Start& start);
  /// Ends it with SIGKILL when it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  pid_t pid() const { return pid_; }
  /// The next line of its output; nothing at its end or after `most`.
  std::optional<std::string> read_line(std::chrono::milliseconds most);
  void signal(int number) const;
  /// Its exit status (128 + signal when one killed it); nothing when it still runs after `most`.
  std::optional<int> wait(std::chrono::milliseconds most);
  bool running() { return !wait(std::chrono::milliseconds{0}); }
  /// Leaves it alone from now on.
  void let_go() { pid_ = -1; }

 private:
  void end();

  pid_t pid_ = -1;
  int output_ = -1;
  std::string buffer_;
  std::optional<int> status_;
};

}  // namespace pawl::process
