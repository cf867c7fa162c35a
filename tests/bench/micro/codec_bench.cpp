// Rows as bytes and back, and a batch of them.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "broker/engine/batch_outbox.h"
#include "broker/engine/codec.h"
#include "samples.h"

namespace pawl::micro {
namespace {

void encode_ready_job(benchmark::State& state) {
  const core::Job job = pending_job(1, static_cast<std::size_t>(state.range(0)));
  std::string row;
  for ([[maybe_unused]] auto turn : state) {
    row.clear();
    engine::encode_job(core::Place::ready, job, row);
    benchmark::DoNotOptimize(row.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(row.size()));
}
BENCHMARK(encode_ready_job)->Arg(200)->Arg(16 << 10);

void decode_ready_job(benchmark::State& state) {
  const core::Job job = pending_job(1, static_cast<std::size_t>(state.range(0)));
  const auto key = engine::ready_key(job.queue, job.priority, job.id);
  std::string row;
  engine::encode_job(core::Place::ready, job, row);
  for ([[maybe_unused]] auto turn : state) {
    auto decoded = engine::decode_job(core::Place::ready, key, row);
    if (!decoded) return state.SkipWithError(decoded.error().what.c_str());
    benchmark::DoNotOptimize(decoded);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(row.size()));
}
BENCHMARK(decode_ready_job)->Arg(200)->Arg(16 << 10);

void encode_completed_job(benchmark::State& state) {
  const core::Job job = completed_job(1, 200);
  std::string row;
  for ([[maybe_unused]] auto turn : state) {
    row.clear();
    engine::encode_job(core::Place::ended, job, row);
    benchmark::DoNotOptimize(row.data());
  }
}
BENCHMARK(encode_completed_job);

/// What the submits of `range` jobs put into a batch.
void batch_of_submits(benchmark::State& state) {
  std::vector<core::Job> jobs;
  for (std::int64_t n = 0; n < state.range(0); ++n)
    jobs.push_back(pending_job(static_cast<std::uint64_t>(n), 200));
  const std::string queue = "mail";
  engine::BatchOutbox outbox;
  for ([[maybe_unused]] auto turn : state) {
    for (const core::Job& job : jobs) {
      outbox.put_job(core::Place::ready, job);
      outbox.moved(job, queue, core::Status::pending, nullptr);
    }
    benchmark::DoNotOptimize(outbox.batch.bytes());
    outbox.clear();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batch_of_submits)->Arg(1)->Arg(16)->Arg(256);

/// What the settlements of `range` jobs put into a batch.
void batch_of_completions(benchmark::State& state) {
  std::vector<core::Job> jobs;
  for (std::int64_t n = 0; n < state.range(0); ++n)
    jobs.push_back(completed_job(static_cast<std::uint64_t>(n), 200));
  const std::string queue = "mail";
  const core::Event cause = core::Event::complete;
  engine::BatchOutbox outbox;
  for ([[maybe_unused]] auto turn : state) {
    for (const core::Job& job : jobs) {
      outbox.erase_job(core::Place::ready, job);
      outbox.put_job(core::Place::ended, job);
      outbox.moved(job, queue, core::Status::active, &cause);
    }
    benchmark::DoNotOptimize(outbox.batch.bytes());
    outbox.clear();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batch_of_completions)->Arg(1)->Arg(16)->Arg(256);

}  // namespace
}  // namespace pawl::micro
