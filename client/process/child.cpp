#include "client/process/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace pawl::process {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

int left_until(steady_clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
  return static_cast<int>(left > 0 ? left : 0);
}

}  // namespace

Child::Child(const Start& start) {
  std::vector<char*> arguments;
  for (const std::string& word : start.command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (start.without.empty() || !std::string_view(*variable).starts_with(start.without))
      variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  const int log = ::open(start.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) fail("cannot open " + start.log);
  std::array<int, 2> pipe{-1, -1};
  if (start.pipe_output && ::pipe2(pipe.data(), O_CLOEXEC) != 0) fail("cannot make a pipe");

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    if (start.outlive) {
      ::setsid();
    } else {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(127);
    }
    ::dup2(log, STDERR_FILENO);
    ::dup2(start.pipe_output ? pipe[1] : log, STDOUT_FILENO);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  const int error = errno;
  ::close(log);
  if (pipe[1] >= 0) ::close(pipe[1]);
  output_ = pipe[0];
  errno = error;
  if (pid_ < 0) fail("cannot start " + start.command.front());
}

Child::~Child() { end(); }

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      buffer_(std::move(other.buffer_)),
      status_(other.status_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  output_ = std::exchange(other.output_, -1);
  buffer_ = std::move(other.buffer_);
  status_ = other.status_;
  return *this;
}

void Child::end() {
  if (pid_ > 0 && !status_) {
    signal(SIGKILL);
    (void)wait(std::chrono::seconds{5});
  }
  if (output_ >= 0) ::close(output_);
  pid_ = -1;
  output_ = -1;
}

std::optional<std::string> Child::read_line(std::chrono::milliseconds most) {
  const auto until = steady_clock::now() + most;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, left_until(until)) <= 0) return std::nullopt;
    std::array<char, 4096> block;
    const auto got = ::read(output_, block.data(), block.size());
    if (got <= 0) return std::nullopt;
    buffer_.append(block.data(), static_cast<std::size_t>(got));
  }
}

void Child::signal(int number) const {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

std::optional<int> Child::wait(std::chrono::milliseconds most) {
  if (status_ || pid_ < 0) return status_;
  // A process descriptor becomes readable when its process ends, and its number cannot be taken by another.
  if (most.count() > 0) {
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (handle >= 0) {
      pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
      ::poll(&ended, 1, static_cast<int>(most.count()));
      ::close(handle);
    }
  }
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

}  // namespace pawl::process
