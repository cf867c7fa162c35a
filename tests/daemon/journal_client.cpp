// Load with a journal, for tests that kill the broker: every operation is written to a file of its own before
// it is sent and after it was answered. journal_audit.py compares the journal with what the broker then has.
//
//   journal_client URL JOURNAL SECONDS [PRODUCERS] [WORKERS]
//
// Lines, each one write(2) to a file opened for appending:
//   submit KEY            a single submit is about to be sent         submitted KEY JOB      it was answered
//   batch KEY COUNT       the same for COUNT jobs, all or none        batched KEY            it was answered
//   leased JOB LEASE N    a lease of attempt N was answered
//   settle JOB LEASE complete|fail                                    settled JOB LEASE STATUS, or refused
//   JOB LEASE handled JOB N         pawl::Worker called the handler for attempt N
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <pawl/client.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* audited_queue = "audited";  // leased and settled call by call, each answer journaled
constexpr const char* library_queue = "library";  // done by pawl::Worker
constexpr unsigned batch_jobs = 20;

class Journal {
 public:
  explicit Journal(const char* path) : fd_(::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) std::abort();
  }
  void write(std::string line) {
    line += '\n';
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }

 private:
  int fd_;
};

struct Load {
  std::string url;
  Journal& journal;
  Clock::time_point end;
  bool over() const { return Clock::now() >= end; }
  pawl::ClientOptions options() const {
    return {.url = url, .connect_timeout = 1s, .request_timeout = 5s, .retry_for = 0ms};
  }
};

pawl::JobSpec job_of(const std::string& key, unsigned number) {
  pawl::JobSpec spec{.queue = number % 4 == 3 ? library_queue : audited_queue};
  spec.payload = nlohmann::json{
      {"key", key}, {"fill", std::string(50 + number % 400, static_cast<char>('a' + number % 26))}};
  spec.priority = static_cast<int>(number % 3);
  spec.backoff = pawl::Backoff{.type = pawl::Backoff::Type::fixed, .delay = 5ms, .jitter = 0};
  spec.lease = 5s;
  spec.max_stalls = 1000;
  return spec;
}

/// A single submit is repeated with its key until it is answered: it must then be there exactly once.
void submit_one(Load& load, pawl::Client& client, const std::string& key, unsigned number) {
  pawl::JobSpec spec = job_of(key, number);
  spec.idempotency_key = key;
  load.journal.write("submit " + key);
  while (true) {
    if (const auto done = client.try_enqueue(spec))
      return load.journal.write("submitted " + key + " " + done->job_id);
    if (load.over()) return;
    std::this_thread::sleep_for(2ms);
  }
}

/// A batch is sent once: without an answer it may be there as a whole or not at all.
void submit_batch(Load& load, pawl::Client& client, const std::string& key, unsigned number) {
  std::vector<nlohmann::json> jobs;
  for (unsigned i = 0; i < batch_jobs; ++i) {
    jobs.push_back(nlohmann::json::parse(pawl::to_json(job_of(fmt::format("{}.{}", key, i), number + i))));
  }
  load.journal.write(fmt::format("batch {} {}", key, batch_jobs));
  const auto done = client.try_request("POST", "/jobs/batch", nlohmann::json{{"jobs", jobs}}.dump());
  if (done && done->status == 202) load.journal.write("batched " + key);
}

void produce(Load& load, unsigned producer) {
  pawl::Client client(load.options());
  for (unsigned number = 0; !load.over(); ++number) {
    const std::string key = fmt::format("p{}.{}.{}", ::getpid(), producer, number);
    if (number % 8 == 7) {
      submit_batch(load, client, key, number);
    } else {
      submit_one(load, client, key, number);
    }
  }
}

/// Repeats a settle until it is answered: a repetition must get the answer of the first.
void settle(Load& load, pawl::Client& client, const nlohmann::json& job) {
  const std::string id = job.at("jobId");
  const std::string lease = job.at("leaseId");
  const bool fail = job.at("attempt") == 1 && id.back() < '4';
  const nlohmann::json body =
      fail ? nlohmann::json{{"leaseId", lease}, {"error", {{"type", "planned"}, {"message", "again"}}}}
           : nlohmann::json{{"leaseId", lease}, {"result", {{"by", lease}}}};
  load.journal.write(fmt::format("settle {} {} {}", id, lease, fail ? "fail" : "complete"));
  const std::string path = "/jobs/" + id + (fail ? "/fail" : "/complete");
  for (const auto give_up = load.end + 5s; Clock::now() < give_up;) {
    const auto answer = client.try_request("POST", path, body.dump());
    if (answer && answer->status == 200) {
      const auto status = nlohmann::json::parse(answer->text).at("status").get<std::string>();
      return load.journal.write(fmt::format("settled {} {} {}", id, lease, status));
    }
    if (answer && answer->status != 503)
      return load.journal.write(fmt::format("refused {} {} {}", id, lease, answer->status));
    std::this_thread::sleep_for(2ms);
  }
}

void work(Load& load, unsigned worker) {
  pawl::Client client(load.options());
  const std::string body =
      nlohmann::json{{"workerId", fmt::format("w{}", worker)}, {"max", 10}, {"waitMs", 50}}.dump();
  while (!load.over()) {
    const auto answer = client.try_request("POST", fmt::format("/queues/{}/lease", audited_queue), body);
    if (!answer || answer->status != 200) {
      std::this_thread::sleep_for(2ms);
      continue;
    }
    const auto jobs = nlohmann::json::parse(answer->text).at("jobs");
    for (const auto& job : jobs) {
      load.journal.write(fmt::format("leased {} {} {}", job.at("jobId").get<std::string>(),
                                     job.at("leaseId").get<std::string>(),
                                     job.at("attempt").get<unsigned>()));
    }
    for (const auto& job : jobs) settle(load, client, job);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  Journal journal(argv[2]);
  Load load{argv[1], journal,
            Clock::now() + std::chrono::milliseconds(static_cast<long>(std::atof(argv[3]) * 1000))};
  const unsigned producers = argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 4;
  const unsigned workers = argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : 4;

  pawl::Worker library({.url = load.url,
                        .queues = {{library_queue}},
                        .concurrency = 2,
                        .reconnect_delay = 20ms,
                        .reconnect_delay_max = 200ms});
  library.on_any([&](pawl::Job& job) {
    journal.write(fmt::format("handled {} {}", job.id(), job.attempt()));
    return nlohmann::json{{"handled", true}};
  });
  library.start();
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < producers; ++i) threads.emplace_back([&, i] { produce(load, i); });
    for (unsigned i = 0; i < workers; ++i) threads.emplace_back([&, i] { work(load, i); });
  }
  library.drain();
  return library.wait() ? 0 : 1;
}
