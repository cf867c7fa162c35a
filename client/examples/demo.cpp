// The main job, on this machine's own documents: pawl-demo [FOLDER] [--keep]
//
// Starts a broker on a fresh data directory, submits one job for each document, lets workers prepare them for
// retrieval, kills one worker in the middle with SIGKILL, and checks at the end, from outside, that every job
// ended exactly once. Exits 0 only when that holds.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>
#include <stdexcept>
#include <thread>

#include "client/examples/demo/audit.h"
#include "client/examples/demo/options.h"
#include "client/examples/demo/progress_bar.h"
#include "client/examples/demo/report.h"
#include "client/process/child.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using pawl::process::Child;

constexpr std::size_t documents_max = 2'000;
constexpr std::size_t workers_count = 3;
constexpr auto transient_share = "0.05";
constexpr auto lease = 3s;          // short, so that a killed worker's jobs come back soon
constexpr auto stuck_after = 120s;  // without a job ending
const std::string queue = "documents";

fs::path fresh_folder() {
  std::string pattern = (fs::temp_directory_path() / "pawl-demo-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder in " + pattern);
  return pattern;
}

class Demo {
 public:
  explicit Demo(const demo::Options& options)
      : options_(options),
        home_(fresh_folder()),
        data_(options.data.empty() ? home_ / "data" : options.data) {}

  ~Demo() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(home_, ignored);
  }

  int run() {
    start_broker();
    submit();
    for (std::size_t i = 0; i < workers_count; ++i) start_worker();
    bar_.say(std::to_string(workers_count) +
             " workers started; 5 % of the first attempts will fail on purpose");
    work_off();
    end_workers();
    const demo::Tally tally = demo::audit(*client_, queue, jobs_);
    demo::print_table(tally);
    const bool good = verdict(tally);
    finish(good);
    return good ? 0 : 1;
  }

 private:
  void start_broker() {
    broker_ = Child({.command = {(options_.programs / "pawld").string(), "--data", data_.string(), "--listen",
                                 "127.0.0.1:0"},
                     .log = (home_ / "pawld.log").string(),
                     .pipe_output = true,
                     .outlive = options_.keep,
                     .without = "PAWL_"});  // settings of another broker
    constexpr std::string_view ready = "pawld ready ";
    const auto line = broker_.read_line(30s);
    if (!line || !line->starts_with(ready)) {
      kept_ = true;
      throw std::runtime_error("the broker did not start; its log is " + (home_ / "pawld.log").string());
    }
    url_ = line->substr(ready.size());
    client_.emplace(pawl::ClientOptions{.url = url_});
    bar_.say("broker at " + url_ + ", pid " + std::to_string(broker_.pid()) + ", data in " + data_.string());
  }

  void submit() {
    const auto files = demo::pick_documents(options_.folder, documents_max);
    if (files.empty()) throw std::runtime_error("there are no files in " + options_.folder.string());
    std::vector<pawl::JobSpec> specs;
    for (const std::string& file : files) {
      pawl::JobSpec spec{.queue = queue, .name = "prepare"};
      spec.payload = nlohmann::json{{"path", file}, {"corpus", options_.folder.string()}};
      spec.lease = lease;
      spec.backoff = pawl::Backoff{.type = pawl::Backoff::Type::fixed, .delay = 500ms};
      specs.push_back(std::move(spec));
    }
    jobs_ = client_->enqueue_many(specs);
    bar_.say("submitted " + std::to_string(jobs_.size()) + " documents of " + options_.folder.string());
  }

  void start_worker() {
    const std::string id = "worker-" + std::to_string(++workers_started_);
    workers_.insert_or_assign(
        id, Child({.command = {(options_.programs / "document_worker").string(), "--url", url_, "--queue",
                               queue, "--id", id, "--concurrency", "2", "--transient-share", transient_share},
                   .log = (home_ / (id + ".log")).string(),
                   .without = "PAWL_"}));
  }

  /// Until every job has ended; a worker dies when a third of them have.
  void work_off() {
    auto moved = std::chrono::steady_clock::now();
    std::size_t before = 0;
    for (;;) {
      const auto info = client_->queue(queue);
      const std::size_t ended = info.completed + info.failed;
      bar_.show({.submitted = jobs_.size(),
                 .completed = info.completed,
                 .dead = info.failed,
                 .active = info.active,
                 .waiting = info.pending + info.delayed + info.stalled});
      if (ended >= jobs_.size()) break;
      if (!killed_ && info.active > 0 && ended * 3 >= jobs_.size()) kill_one();
      if (ended != before) moved = std::chrono::steady_clock::now();
      before = ended;
      if (std::chrono::steady_clock::now() - moved > stuck_after)
        throw std::runtime_error("no job has ended for two minutes");
      std::this_thread::sleep_for(100ms);
    }
    bar_.finish();
  }

  /// How many jobs each worker holds, as the broker sees it.
  std::map<std::string, std::size_t> holdings() {
    std::map<std::string, std::size_t> holds;
    for (const auto& job : client_->list({.queue = queue, .status = "active", .limit = 1000}).jobs) {
      ++holds[job.worker_id];
    }
    return holds;
  }

  /// SIGKILL for the worker that holds the most jobs, and a new one in its place.
  void kill_one() {
    const auto holds = holdings();
    const auto most = std::max_element(holds.begin(), holds.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == holds.end() || !workers_.contains(most->first)) return;
    const std::string& id = most->first;
    Child& victim = workers_.at(id);
    // Stopped first, so that what it holds does not change between the look and the kill.
    victim.signal(SIGSTOP);
    const std::size_t held = holdings()[id];
    if (held == 0) return victim.signal(SIGCONT);
    victim.signal(SIGKILL);
    (void)victim.wait(5s);
    workers_.erase(id);
    killed_ = true;
    bar_.say("killed " + id + " with SIGKILL while it held " + std::to_string(held) +
             (held == 1 ? " job" : " jobs") + "; starting another");
    start_worker();
  }

  void end_workers() {
    for (auto& [id, worker] : workers_) worker.signal(SIGTERM);
    for (auto& [id, worker] : workers_) {
      const auto status = worker.wait(30s);
      if (status != 0)
        unclean_.push_back(id + (status ? " exited with " + std::to_string(*status) : " did not end"));
    }
  }

  bool verdict(const demo::Tally& tally) const {
    for (const std::string& problem : tally.problems) std::printf("WRONG: %s\n", problem.c_str());
    for (const std::string& problem : unclean_) std::printf("WRONG: %s after SIGTERM\n", problem.c_str());
    const bool good = tally.problems.empty() && unclean_.empty();
    if (good) {
      std::printf(
          "Checked: %zu submitted = %zu completed + %zu failed; every job is there and ended exactly "
          "once.\n\n",
          tally.submitted, tally.completed, tally.dead);
    }
    return good;
  }

  void finish(bool good) {
    demo::NextSteps steps;
    steps.programs = fs::relative(options_.programs).string();
    steps.url = url_;
    steps.queue = queue;
    if (steps.programs.starts_with("..")) steps.programs = options_.programs.string();
    if (options_.keep) {
      const auto page = client_->list({.queue = queue, .status = "completed", .limit = 1});
      steps.job_id = page.jobs.empty() ? jobs_.front().job_id : page.jobs.front().job_id;
      steps.broker_pid = broker_.pid();
      kept_ = true;
      broker_.let_go();
    } else {
      broker_.signal(SIGTERM);
      const auto status = broker_.wait(30s);
      if (status != 0) std::printf("the broker did not end cleanly\n");
    }
    if (!good) {
      kept_ = true;
      std::printf("Logs and data are in %s\n", home_.c_str());
    }
    demo::print_next_steps(steps);
  }

  const demo::Options options_;
  const fs::path home_;  // logs, and the data unless it was put elsewhere
  const fs::path data_;
  std::string url_;
  demo::ProgressBar bar_;
  Child broker_;
  std::optional<pawl::Client> client_;
  std::vector<pawl::Enqueued> jobs_;
  std::map<std::string, Child> workers_;
  std::size_t workers_started_ = 0;
  std::vector<std::string> unclean_;
  bool killed_ = false;
  bool kept_ = false;
};

}  // namespace

int main(int argc, char** argv) try {
  const auto options = demo::read_options(argc, argv);
  if (!options) return 2;
  return Demo(*options).run();
} catch (const std::exception& error) {
  std::fprintf(stderr, "pawl-demo: %s\n", error.what());
  return 1;
}
