#include "client/cli/exec/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <expected>
#include <optional>
#include <utility>

namespace pawl::cli {
namespace {

constexpr std::int64_t strays_grace_ms = 2000;  // what a finished command left behind may still write
constexpr std::int64_t reap_grace_ms = 1000;    // after SIGKILL, for whoever left the group with our pipes

std::int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
  static std::optional<Pipe> make() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return std::nullopt;
    return Pipe{Fd{fds[0]}, Fd{fds[1]}};
  }
};

void make_nonblocking(const Fd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

/// Its name, "=" included.
std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=') + 1); }

std::vector<char*> environment_of(const std::vector<std::string>& added) {
  std::vector<char*> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable{*each};
    const bool replaced = std::ranges::any_of(
        added, [&](const std::string& ours) { return variable.starts_with(name_of(ours)); });
    if (!replaced) all.push_back(*each);
  }
  for (const std::string& ours : added) all.push_back(const_cast<char*>(ours.c_str()));
  all.push_back(nullptr);
  return all;
}

/// posix_spawn's two argument objects, set up and freed as one.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  /// The result is an errno value.
  int spawn(const ProcessSpec& spec, const std::array<int, 3>& standard_fds, pid_t& pid) {
    for (int to = 0; to < 3; ++to) {
      const int from = standard_fds[static_cast<std::size_t>(to)];
      if (const int error = ::posix_spawn_file_actions_adddup2(&actions_, from, to)) return error;
    }
    sigset_t none;
    sigset_t defaults;
    ::sigemptyset(&none);
    ::sigfillset(&defaults);
    ::sigdelset(&defaults, SIGKILL);
    ::sigdelset(&defaults, SIGSTOP);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string command = spec.command;
    std::string shell = "sh";
    std::string flag = "-c";
    const std::array<char*, 4> arguments{shell.data(), flag.data(), command.data(), nullptr};
    std::vector<char*> environment = environment_of(spec.environment);
    return ::posix_spawn(&pid, "/bin/sh", &actions_, &attributes_, arguments.data(), environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

class Run {
 public:
  using OnStderr = std::function<void(std::string_view)>;
  Run(const ProcessSpec& spec, const OnStderr& on_stderr) : spec_(spec), on_stderr_(on_stderr) {}

  std::optional<std::string> start();
  ProcessEnd to_the_end(std::stop_token stop, std::stop_token kill);

 private:
  void wait_for_something();
  void feed_input();
  void gather_output();
  void gather_stderr();
  void check_limits();
  void begin_stop(ProcessEnd::Cause cause);
  void kill_group();
  void see_whether_it_exited();
  void reap();
  std::optional<std::int64_t> next_deadline() const;

  const ProcessSpec& spec_;
  const OnStderr& on_stderr_;
  Fd in_;
  Fd out_;
  Fd err_;
  Fd wake_;   // eventfd: a stop or a kill was requested
  Fd pidfd_;  // readable once the command has exited; absent on old kernels, then it is asked for
  pid_t pid_ = -1;
  std::size_t fed_ = 0;
  bool exited_ = false;  // seen, and not reaped: its pid, so its group's id, cannot be given to anybody else
  bool finished_ = false;
  std::optional<std::int64_t> timeout_at_;
  std::optional<std::int64_t> kill_at_;     // SIGKILL for the group
  std::optional<std::int64_t> give_up_at_;  // on pipes that somebody outside of the group holds
  std::optional<ProcessEnd::Cause> stop_cause_;
  ProcessEnd end_;
};

std::optional<std::string> Run::start() {
  const auto failed = [](const char* what, int error) {
    return std::string{what} + ": " + std::strerror(error);
  };
  auto input = Pipe::make();
  auto output = Pipe::make();
  auto errors = Pipe::make();
  wake_ = Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!input || !output || !errors || !wake_.open()) return failed("cannot make a pipe", errno);
  SpawnPlan plan;
  const int error = plan.spawn(spec_, {input->read.get(), output->write.get(), errors->write.get()}, pid_);
  if (error != 0) return failed("cannot start /bin/sh", error);
  pidfd_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
  in_ = std::move(input->write);
  out_ = std::move(output->read);
  err_ = std::move(errors->read);
  for (const Fd* fd : {&in_, &out_, &err_}) make_nonblocking(*fd);
  if (spec_.timeout_ms > 0) timeout_at_ = steady_ms() + spec_.timeout_ms;
  return std::nullopt;
}

std::optional<std::int64_t> Run::next_deadline() const {
  std::optional<std::int64_t> next;
  for (const auto& each : {timeout_at_, kill_at_, give_up_at_}) {
    if (each && (!next || *each < *next)) next = each;
  }
  return next;
}

void Run::wait_for_something() {
  // poll() ignores negative descriptors, so closed ends simply stay in the list.
  std::array<pollfd, 5> fds{pollfd{in_.get(), POLLOUT, 0}, pollfd{out_.get(), POLLIN, 0},
                            pollfd{err_.get(), POLLIN, 0}, pollfd{exited_ ? -1 : pidfd_.get(), POLLIN, 0},
                            pollfd{wake_.get(), POLLIN, 0}};
  std::int64_t wait = -1;
  if (const auto deadline = next_deadline()) {
    wait = std::clamp<std::int64_t>(*deadline - steady_ms(), 0, INT_MAX);
  }
  if (!pidfd_.open() && !exited_) wait = wait < 0 ? 50 : std::min<std::int64_t>(wait, 50);
  ::poll(fds.data(), fds.size(), static_cast<int>(wait));
  std::uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t unused = ::read(wake_.get(), &wakes, sizeof wakes);
}

void Run::feed_input() {
  while (in_.open()) {
    const std::string_view rest = spec_.input.substr(fed_);
    if (rest.empty()) return in_.close();
    const ssize_t written = ::write(in_.get(), rest.data(), rest.size());
    if (written > 0) {
      fed_ += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      return in_.close();  // EPIPE: the command does not care for the rest of its input
    }
  }
}

void Run::gather_output() {
  std::array<char, 16 * 1024> buffer;
  // Bounded turns, here and below: a command that never stops talking must not keep the limits from being
  // looked at.
  for (int turn = 0; turn < 16 && out_.open(); ++turn) {
    const ssize_t got = ::read(out_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      if (stop_cause_) continue;
      end_.output.append(buffer.data(), static_cast<std::size_t>(got));
      if (end_.output.size() > spec_.output_max) begin_stop(ProcessEnd::Cause::output_too_big);
    } else if (got < 0 && errno == EAGAIN) {
      return;
    } else if (got == 0 || errno != EINTR) {
      return out_.close();
    }
  }
}

void Run::gather_stderr() {
  std::array<char, 16 * 1024> buffer;
  for (int turn = 0; turn < 16 && err_.open(); ++turn) {
    const ssize_t got = ::read(err_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      on_stderr_({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got < 0 && errno == EAGAIN) {
      return;
    } else if (got == 0 || errno != EINTR) {
      return err_.close();
    }
  }
}

void Run::begin_stop(ProcessEnd::Cause cause) {
  if (stop_cause_) return;
  stop_cause_ = cause;
  timeout_at_.reset();
  ::kill(-pid_, SIGTERM);
  // A stopped process acts on SIGTERM only after it goes on.
  ::kill(-pid_, SIGCONT);
  kill_at_ = steady_ms() + spec_.term_grace_ms;
}

void Run::kill_group() {
  ::kill(-pid_, SIGKILL);
  kill_at_.reset();
  if (!give_up_at_) give_up_at_ = steady_ms() + reap_grace_ms;
}

void Run::check_limits() {
  const std::int64_t now = steady_ms();
  if (timeout_at_ && now >= *timeout_at_ && !exited_) begin_stop(ProcessEnd::Cause::timed_out);
  if (kill_at_ && now >= *kill_at_) kill_group();
  if (!exited_) return;
  const bool silent = !out_.open() && !err_.open();
  if (silent || (give_up_at_ && now >= *give_up_at_)) finished_ = true;
}

void Run::see_whether_it_exited() {
  if (exited_) return;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return;
  exited_ = true;
  timeout_at_.reset();
  in_.close();
  if (!kill_at_ && !give_up_at_) kill_at_ = steady_ms() + strays_grace_ms;
}

void Run::reap() {
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  end_.cause = WIFSIGNALED(status) ? ProcessEnd::Cause::signalled : ProcessEnd::Cause::exited;
  end_.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (stop_cause_) end_.cause = *stop_cause_;
}

ProcessEnd Run::to_the_end(std::stop_token stop, std::stop_token kill) {
  const auto wake = [this] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t unused = ::write(wake_.get(), &one, sizeof one);
  };
  const std::stop_callback on_stop{stop, wake};
  const std::stop_callback on_kill{kill, wake};
  bool killed = false;
  while (!finished_) {
    wait_for_something();
    if ((stop.stop_requested() || kill.stop_requested()) && !exited_) begin_stop(ProcessEnd::Cause::stopped);
    if (kill.stop_requested() && !std::exchange(killed, true)) kill_group();
    feed_input();
    // Asked before the pipes are read, so that what it wrote before its exit is never missed.
    see_whether_it_exited();
    gather_output();
    gather_stderr();
    check_limits();
  }
  reap();
  return std::move(end_);
}

}  // namespace

ProcessEnd run_process(const ProcessSpec& spec, std::stop_token stop, std::stop_token kill,
                       const std::function<void(std::string_view)>& on_stderr) {
  Run run{spec, on_stderr};
  if (auto fault = run.start()) {
    ProcessEnd end;
    end.cause = ProcessEnd::Cause::not_started;
    end.fault = std::move(*fault);
    return end;
  }
  return run.to_the_end(std::move(stop), std::move(kill));
}

}  // namespace pawl::cli
