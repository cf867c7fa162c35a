// Commands as children: their groups, their pipes, their ends, and the verdict that follows.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <thread>

#include "client/cli/exec/job_result.h"
#include "client/cli/exec/lines.h"
#include "client/cli/exec/process.h"

namespace pawl::cli {
namespace {

using namespace std::chrono_literals;
using Cause = ProcessEnd::Cause;

/// What a command says on standard error, to wait for.
class Said {
 public:
  void add(std::string_view bytes) {
    const std::lock_guard lock{mutex_};
    text_.append(bytes);
    changed_.notify_all();
  }
  bool wait_for(std::string_view part) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 20s, [&] { return text_.find(part) != std::string::npos; });
  }
  std::string text() {
    const std::lock_guard lock{mutex_};
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

class ProcessTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }
  ProcessEnd run(ProcessSpec spec) {
    return run_process(spec, stop_.get_token(), kill_.get_token(),
                       [this](std::string_view bytes) { said_.add(bytes); });
  }
  ProcessEnd run(std::string command, std::string_view input = {}) {
    ProcessSpec spec;
    spec.command = std::move(command);
    spec.input = input;
    return run(spec);
  }
  /// Waits for the end of a process that is nobody's child here; it may be over already.
  static bool gone(pid_t pid) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) return errno == ESRCH || errno == EINVAL;
    pollfd ended{fd, POLLIN, 0};
    const bool yes = ::poll(&ended, 1, 20'000) == 1;
    ::close(fd);
    return yes;
  }
  pid_t pid_after(std::string_view mark) {
    const std::string text = said_.text();
    return std::stoi(text.substr(text.find(mark) + mark.size()));
  }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left to be waited for";
  }

  std::stop_source stop_;
  std::stop_source kill_;
  Said said_;
};

TEST_F(ProcessTest, InputOutputErrorsAndExitCome) {
  const auto end = run("cat; echo oops >&2; exit 3", "hello");
  EXPECT_EQ(end.cause, Cause::exited);
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.output, "hello");
  EXPECT_EQ(said_.text(), "oops\n");
}

TEST_F(ProcessTest, LargeInputAndOutputDoNotBlockEachOther) {
  const std::string input(900'000, 'x');
  ProcessSpec spec;
  spec.command = "cat";
  spec.input = input;
  const auto end = run(spec);
  EXPECT_EQ(end.cause, Cause::exited);
  EXPECT_EQ(end.output, input);
}

TEST_F(ProcessTest, InputThatIsNotReadDoesNoHarm) {
  const std::string input(900'000, 'x');
  ProcessSpec spec;
  spec.command = "echo done";
  spec.input = input;
  const auto end = run(spec);
  EXPECT_EQ(end.cause, Cause::exited);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "done\n");
}

TEST_F(ProcessTest, ASignalIsTold) {
  const auto end = run("kill -SEGV $$");
  EXPECT_EQ(end.cause, Cause::signalled);
  EXPECT_EQ(end.code, SIGSEGV);
}

TEST_F(ProcessTest, TheEnvironmentIsAddedAndReplaced) {
  ::setenv("PAWL_JOB_ID", "old", 1);
  ProcessSpec spec;
  spec.command = "echo $PAWL_JOB_ID $PAWL_QUEUE; test -n \"$PATH\"";
  spec.environment = {"PAWL_JOB_ID=new", "PAWL_QUEUE=q"};
  const auto end = run(spec);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "new q\n");
  ::unsetenv("PAWL_JOB_ID");
}

TEST_F(ProcessTest, ItLeadsAGroupOfItsOwnWithPlainSignalsAndNoForeignFiles) {
  const int ours = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  // Of the ignored ones the lower 31 count: the next two belong to the C library.
  const auto end = run("set -- $(cat /proc/$$/stat); test $5 = $$ && echo leads; test -e /proc/$$/fd/" +
                       std::to_string(ours) +
                       " || echo closed; set -- $(grep -E 'Sig(Blk|Ign)' /proc/$$/status); "
                       "echo $((0x$2)) $((0x$4 & 0x7fffffff))");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(ours);
  EXPECT_EQ(end.output, "leads\nclosed\n0 0\n");
}

TEST_F(ProcessTest, AStopEndsTheGrandchildToo) {
  std::jthread stopper{[&] {
    EXPECT_TRUE(said_.wait_for("ready"));
    stop_.request_stop();
  }};
  const auto end = run("sleep 1000 & echo grandchild $! >&2; echo ready >&2; wait");
  EXPECT_EQ(end.cause, Cause::stopped);
  EXPECT_TRUE(gone(pid_after("grandchild ")));
}

TEST_F(ProcessTest, WhatIgnoresSigtermIsKilledAfterTheGrace) {
  std::jthread stopper{[&] {
    EXPECT_TRUE(said_.wait_for("ready"));
    stop_.request_stop();
  }};
  ProcessSpec spec;
  spec.command =
      "trap '' TERM; sh -c 'trap \"\" TERM; echo grandchild $$ >&2; echo ready >&2; while :; do sleep 1; "
      "done' & wait; wait";
  spec.term_grace_ms = 200;
  const auto end = run(spec);
  EXPECT_EQ(end.cause, Cause::stopped);
  EXPECT_TRUE(gone(pid_after("grandchild ")));
}

TEST_F(ProcessTest, SigtermLetsItTidyUp) {
  std::jthread stopper{[&] {
    EXPECT_TRUE(said_.wait_for("ready"));
    stop_.request_stop();
  }};
  const auto end = run("trap 'echo tidied >&2; exit 0' TERM; echo ready >&2; while :; do sleep 0.05; done");
  EXPECT_EQ(end.cause, Cause::stopped);
  EXPECT_TRUE(said_.wait_for("tidied"));
}

TEST_F(ProcessTest, AKillDoesNotWaitForTheGrace) {
  std::jthread killer{[&] {
    EXPECT_TRUE(said_.wait_for("ready"));
    kill_.request_stop();
  }};
  ProcessSpec spec;
  spec.command = "trap '' TERM; echo ready >&2; while :; do sleep 1; done";
  spec.term_grace_ms = 60'000;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(run(spec).cause, Cause::stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
}

TEST_F(ProcessTest, ThePassedTimeLimitEndsIt) {
  ProcessSpec spec;
  spec.command = "echo said >&2; sleep 1000";
  spec.timeout_ms = 100;
  EXPECT_EQ(run(spec).cause, Cause::timed_out);
  EXPECT_EQ(said_.text(), "said\n");
}

TEST_F(ProcessTest, TooMuchOutputEndsItAndIsNotKept) {
  ProcessSpec spec;
  spec.command = "yes";
  spec.output_max = 10'000;
  const auto end = run(spec);
  EXPECT_EQ(end.cause, Cause::output_too_big);
  EXPECT_LT(end.output.size(), 100'000u);
}

TEST_F(ProcessTest, WhatACommandLeavesBehindEndsWithIt) {
  const auto end = run("sleep 1000 & echo stray $! >&2; echo result");
  EXPECT_EQ(end.cause, Cause::exited);
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.output, "result\n");
  EXPECT_TRUE(gone(pid_after("stray ")));
}

TEST_F(ProcessTest, OutputOfAPipelineIsComplete) {
  const auto end = run("seq 1 20000 | tail -n 1; (sleep 0.2; echo late) &");
  EXPECT_EQ(end.output, "20000\nlate\n");
}

TEST_F(ProcessTest, NoDescriptorIsLeftOpen) {
  const auto count = [] {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return std::distance(begin(all), end(all));
  };
  run("true");
  const auto before = count();
  for (int i = 0; i < 20; ++i) run("echo x; echo y >&2");
  EXPECT_EQ(count(), before);
}

TEST(ProgressTest, IsReadOrIsAnOrdinaryLine) {
  const auto progress = parse_progress("PAWL_PROGRESS 42 encoding part 3");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->percent, 42);
  EXPECT_EQ(progress->message, "encoding part 3");
  EXPECT_EQ(parse_progress("PAWL_PROGRESS 99.5%")->percent, 99.5);
  EXPECT_EQ(parse_progress("PAWL_PROGRESS 0")->message, "");
  for (const char* line : {"PAWL_PROGRESS", "PAWL_PROGRESS x", "PAWL_PROGRESS 101", "PAWL_PROGRESS -1",
                           "PAWL_PROGRESS 5x", " PAWL_PROGRESS 5", "PAWL_PROGRESS nan"}) {
    EXPECT_FALSE(parse_progress(line)) << line;
  }
}

TEST(RateLimitedTest, IsReadOrIsAnOrdinaryLine) {
  EXPECT_EQ(parse_rate_limited("PAWL_RATE_LIMITED 30000"), 30'000);
  EXPECT_EQ(parse_rate_limited("PAWL_RATE_LIMITED 0"), 0);
  EXPECT_EQ(parse_rate_limited("PAWL_RATE_LIMITED 3155760000000"), 3'155'760'000'000);
  for (const char* line : {"PAWL_RATE_LIMITED", "PAWL_RATE_LIMITED ", "PAWL_RATE_LIMITED 30s",
                           "PAWL_RATE_LIMITED 1.5", "PAWL_RATE_LIMITED -1", " PAWL_RATE_LIMITED 5",
                           "PAWL_RATE_LIMITED 3155760000001", "PAWL_RATE_LIMITED 99999999999999999999"}) {
    EXPECT_FALSE(parse_rate_limited(line)) << line;
  }
}

class LinesTest : public testing::Test {
 protected:
  std::vector<double> percents_;
  std::vector<std::string> logged_;
  StderrLines lines_{[this](const Progress& progress) { percents_.push_back(progress.percent); },
                     [this](std::string line) { logged_.push_back(std::move(line)); }};
};

TEST_F(LinesTest, ProgressIsNotPartOfTheTail) {
  lines_.feed("one\nPAWL_PRO");
  lines_.feed("GRESS 5 half\ntwo\r\n\nthree");
  lines_.finish();
  EXPECT_EQ(percents_, std::vector<double>{5});
  EXPECT_EQ(logged_, (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(lines_.tail(), "one\ntwo\n\nthree");
  EXPECT_EQ(lines_.last_line(), "three");
}

TEST_F(LinesTest, TheLastRateLimitCountsAndIsNotLogged) {
  EXPECT_FALSE(lines_.retry_after_ms());
  lines_.feed("PAWL_RATE_LIMITED 9\n429\nPAWL_RATE_LIMITED 5\nPAWL_RATE_LIMITED soon");
  lines_.finish();
  EXPECT_EQ(lines_.retry_after_ms(), 5);
  EXPECT_EQ(logged_, (std::vector<std::string>{"429", "PAWL_RATE_LIMITED soon"}));
  EXPECT_EQ(lines_.tail(), "429\nPAWL_RATE_LIMITED soon");
}

TEST_F(LinesTest, TheTailIsTheEndInWholeLines) {
  for (int i = 0; i < 10'000; ++i) lines_.feed("line " + std::to_string(i) + "\n");
  lines_.finish();
  const std::string tail = lines_.tail();
  EXPECT_LE(tail.size(), StderrLines::tail_bytes_max);
  EXPECT_GT(tail.size(), StderrLines::tail_bytes_max - 100);
  EXPECT_TRUE(tail.starts_with("line ")) << tail.substr(0, 20);
  EXPECT_TRUE(tail.ends_with("line 9999"));
}

TEST_F(LinesTest, ALineWithoutEndIsCutAndBrokenTextIsRepaired) {
  lines_.feed(std::string(10'000, 'x'));
  lines_.feed("\xff\n");
  ASSERT_EQ(logged_.size(), 3u);
  EXPECT_EQ(logged_[0].size(), StderrLines::line_bytes_max);
  EXPECT_TRUE(logged_[2].ends_with("x\xef\xbf\xbd"));
}

TEST(ResultTest, JsonStaysAndOtherTextBecomesAString) {
  EXPECT_EQ(result_of(""), "null");
  EXPECT_EQ(result_of(" \n"), "null");
  EXPECT_EQ(result_of("{ \"a\": 1.0 }\n"), "{ \"a\": 1.0 }");
  EXPECT_EQ(result_of("42\n"), "42");
  EXPECT_EQ(result_of("hello\nworld\n"), "\"hello\\nworld\"");
  EXPECT_EQ(result_of("{\"a\":1}\n{\"b\":2}\n"), R"("{\"a\":1}\n{\"b\":2}")");
  EXPECT_EQ(result_of("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_FALSE(result_of(std::string(result_bytes_max, '"')));
}

TEST(VerdictTest, FollowsFromTheEnd) {
  const auto failed = [](ProcessEnd end) { return std::get<Failed>(verdict_of(end)); };
  EXPECT_EQ(std::get<Completed>(verdict_of({Cause::exited, 0, "7", ""})).result, "7");
  EXPECT_FALSE(failed({Cause::exited, 1, "", ""}).permanent);
  EXPECT_EQ(failed({Cause::exited, 1, "", ""}).type, "exit-1");
  EXPECT_TRUE(failed({Cause::exited, 65, "", ""}).permanent);
  EXPECT_EQ(std::get<Failed>(verdict_of({Cause::exited, 75, "", ""})).type, "exit-75");
  EXPECT_EQ(std::get<RateLimited>(verdict_of({Cause::exited, 75, "", ""}, 30'000)).retry_after_ms, 30'000);
  EXPECT_EQ(std::get<Completed>(verdict_of({Cause::exited, 0, "", ""}, 30'000)).result, "null");
  EXPECT_EQ(failed({Cause::signalled, SIGKILL, "", ""}).type, "signal-KILL");
  EXPECT_EQ(failed({Cause::output_too_big, 0, "", ""}).type, "result-too-large");
  EXPECT_EQ(failed({Cause::timed_out, 0, "", ""}).type, "timeout");
  EXPECT_TRUE(std::holds_alternative<Ended>(verdict_of({Cause::stopped, 0, "", ""})));
}

}  // namespace
}  // namespace pawl::cli
