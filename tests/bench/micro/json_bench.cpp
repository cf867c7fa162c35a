// The bodies of submits, read; the frame with jobs for a worker, written.
#include <benchmark/benchmark.h>

#include <string>

#include "broker/http/api/requests.h"
#include "broker/http/api/worker_frames.h"
#include "samples.h"

namespace pawl::micro {
namespace {

using http::api::Limits;

std::string submit_body(std::uint64_t number, std::size_t bytes) {
  return R"({"queue":"mail","name":"welcome","priority":5,"payload":)" + payload_of(number, bytes) + "}";
}

/// The body of POST /jobs with a payload of `range` bytes.
void read_submit_body(benchmark::State& state) {
  const std::string body = submit_body(1, static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto turn : state) {
    auto job = http::api::read_submit(body, Limits{});
    if (!job) return state.SkipWithError("the body was refused");
    benchmark::DoNotOptimize(job);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(read_submit_body)->Arg(200)->Arg(1 << 10)->Arg(16 << 10);

/// The body of POST /jobs/batch with `range` jobs of 200 bytes.
void read_batch_body(benchmark::State& state) {
  std::string body = R"({"jobs":[)";
  for (std::int64_t n = 0; n < state.range(0); ++n)
    body.append(n == 0 ? "" : ",").append(submit_body(static_cast<std::uint64_t>(n), 200));
  body += "]}";
  for ([[maybe_unused]] auto turn : state) {
    auto jobs = http::api::read_batch(body, Limits{});
    if (!jobs) return state.SkipWithError("the body was refused");
    benchmark::DoNotOptimize(jobs);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(read_batch_body)->Arg(64)->Arg(1000);

/// The frame that gives `range` jobs of 200 bytes to a worker.
void write_jobs_frame(benchmark::State& state) {
  core::Granted granted;
  for (std::int64_t n = 0; n < state.range(0); ++n) {
    core::GrantedJob& job = granted.jobs.emplace_back();
    const auto number = static_cast<std::uint64_t>(n);
    job.id = id_of(number);
    job.lease = core::LeaseNumber{number + 1};
    job.lease_ms = 30'000;
    job.lease_expires_at = wall + job.lease_ms;
    job.queue = job.name = "mail";
    job.payload = bytes_of(payload_of(number, 200));
    job.max_attempts = 3;
    job.created_at = wall;
  }
  std::size_t bytes = 0;
  for ([[maybe_unused]] auto turn : state) {
    const std::string frame = http::api::write_jobs(granted);
    bytes = frame.size();
    benchmark::DoNotOptimize(frame.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}
BENCHMARK(write_jobs_frame)->Arg(1)->Arg(16)->Arg(256);

}  // namespace
}  // namespace pawl::micro
