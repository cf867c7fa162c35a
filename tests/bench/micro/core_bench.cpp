// The pure machine: one batch is submitted, leased and settled, and nothing is written.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "broker/core/machine.h"
#include "samples.h"

namespace pawl::micro {
namespace {

using Clock = std::chrono::steady_clock;

/// Counts what would be written and keeps the leases that were given.
class CountingOutbox final : public core::Outbox {
 public:
  std::uint64_t rows = 0;
  std::vector<core::GrantedJob> granted;
  std::uint64_t settled = 0;

  void put_job(core::Place, const core::Job&) override { ++rows; }
  void erase_job(core::Place, const core::Job&) override { ++rows; }
  void put_timer(core::Millis, const core::JobId&) override { ++rows; }
  void erase_timer(core::Millis, const core::JobId&) override { ++rows; }
  void erase_timers(const core::Timer&, const core::Timer&) override { ++rows; }
  void put_grant(const core::Grant&) override { ++rows; }
  void erase_grant(std::uint64_t) override { ++rows; }
  void put_queue(const core::QueueRow&) override { ++rows; }
  void erase_queue(const core::QueueRow&) override { ++rows; }
  void put_retained(const core::RetainedRow&) override { ++rows; }
  void put_marks(const core::Marks&) override { ++rows; }
  void put_schedule(const core::ScheduleRow&) override { ++rows; }
  void erase_schedule(const std::string&) override { ++rows; }
  void put_trigger(const core::TriggerRow&) override { ++rows; }
  void erase_trigger(const std::string&) override { ++rows; }
  void put_gathered(const core::GatheredRow&) override { ++rows; }
  void erase_gathered(const std::string&, std::uint64_t) override { ++rows; }
  void put_workflow(const core::WorkflowRow&) override { ++rows; }
  void put_member(const core::MemberRow&) override { ++rows; }
  void put_dependent(const core::JobId&, const core::Dependent&) override { ++rows; }
  void erase_dependent(const core::JobId&, const core::JobId&) override { ++rows; }
  void put_parent(const core::JobId&, const core::ParentResult&) override { ++rows; }
  void erase_parent(const core::JobId&, const core::JobId&) override { ++rows; }
  void erase_parents(const core::JobId&) override { ++rows; }
  void put_join(const core::JobId&, const core::Join&) override { ++rows; }
  void erase_join(const core::JobId&) override { ++rows; }
  void put_owed(const core::Owed&) override { ++rows; }
  void erase_owed(std::uint64_t) override { ++rows; }
  void put_lane(core::QueueNumber, const core::LaneKey&, std::uint32_t) override { ++rows; }
  void put_limit(const core::LimitRow&) override { ++rows; }
  void erase_limit(const std::string&) override { ++rows; }
  void put_group(const core::GroupRow&) override { ++rows; }
  void erase_group(core::QueueNumber, const std::string&) override { ++rows; }
  void put_order(const core::OrderRow&) override { ++rows; }
  void erase_order(core::QueueNumber, std::uint32_t) override { ++rows; }
  void put_wait(const core::JobId&, const core::Wait&) override { ++rows; }
  void erase_wait(const core::JobId&) override { ++rows; }
  void put_unique(core::QueueNumber, std::string_view, const core::UniqueRow&) override { ++rows; }
  void erase_unique(core::QueueNumber, std::string_view) override { ++rows; }
  void put_idempotency(std::string_view, const core::IdempotencyRow&) override { ++rows; }
  void put_logs(const core::Job&, core::Millis, std::span<const std::string>) override { ++rows; }
  void erase_logs(const core::JobId&) override { ++rows; }
  void reply(core::Ticket, core::Reply&& reply) override {
    if (auto* jobs = std::get_if<core::Granted>(&reply)) {
      for (core::GrantedJob& job : jobs->jobs) granted.push_back(std::move(job));
    } else if (const auto* results = std::get_if<core::Settled>(&reply)) {
      for (const core::SettleResult& result : results->results) settled += !result.refused;
    }
  }
  void moved(const core::Job&, const std::string&, core::Status, const core::Event*) override {}
  void changed(const core::Job&, const std::string&) override {}
  void progressed(const core::Job&, const std::string&) override {}
  void logged(const core::Job&, const std::string&, std::span<const std::string>) override {}
};

/// A machine that is driven as the engine does it, with one worker that takes what there is.
class Driver {
 public:
  explicit Driver(std::uint32_t credit) : machine_(core::MachineOptions{}, 7) {
    core::OpenWorker open;
    open.worker_id = "host-4711-12345";
    open.queues = {{"mail", 1}};
    open.credit = credit;
    apply({core::Ticket{1}, std::move(open)});
    end_batch();
  }

  CountingOutbox& outbox() { return outbox_; }

  void apply(const core::Command& command) {
    needs_.clear();
    machine_.needs(command, needs_);
    if (!needs_.empty()) throw std::logic_error("these commands need no rows of the store");
    machine_.apply(command, now_, outbox_);
  }
  void match() { machine_.match(now_, outbox_); }
  void end_batch() {
    match();
    machine_.flush(now_, outbox_);
    machine_.after_commit();
    for (const core::WindowRequest& request : machine_.window_requests())
      machine_.load_window(request.queue, request.lane, {}, true);
    ++now_.wall;
    ++now_.mono;
  }

 private:
  core::Machine machine_;
  CountingOutbox outbox_;
  core::Needs needs_;
  core::Now now_{wall, 1'000};
};

enum class Part { submit, lease, settle, all };

core::Command submit_of(std::uint64_t first, std::uint64_t jobs) {
  core::Submit submit;
  for (std::uint64_t n = 0; n < jobs; ++n) submit.jobs.push_back(new_job(first + n, 200));
  return {core::Ticket{2}, std::move(submit)};
}

core::Command settle_of(const std::vector<core::GrantedJob>& granted) {
  core::Settle settle;
  for (const core::GrantedJob& job : granted) {
    core::Settlement& settlement = settle.settlements.emplace_back();
    settlement.id = job.id;
    settlement.lease = job.lease;
  }
  return {core::Ticket{3}, std::move(settle)};
}

/// Time of one part in a life of `range` jobs in one batch: the submit, the match with the worker, or the
/// settlements with what is written once for the batch. Making the commands is not counted.
void machine_part(benchmark::State& state, Part part) {
  const auto jobs = static_cast<std::uint64_t>(state.range(0));
  Driver driver(static_cast<std::uint32_t>(jobs));
  std::uint64_t submitted = 0;
  for ([[maybe_unused]] auto turn : state) {
    const core::Command submit = submit_of(submitted, jobs);
    submitted += jobs;
    const auto begin = Clock::now();
    driver.apply(submit);
    const auto applied = Clock::now();
    driver.end_batch();
    const auto leased = Clock::now();
    const core::Command settle = settle_of(driver.outbox().granted);
    driver.outbox().granted.clear();
    const auto ready = Clock::now();
    driver.apply(settle);
    driver.end_batch();
    const auto settled = Clock::now();
    const std::chrono::duration<double> spent = part == Part::submit   ? applied - begin
                                                : part == Part::lease  ? leased - applied
                                                : part == Part::settle ? settled - ready
                                                                       : leased - begin + (settled - ready);
    state.SetIterationTime(spent.count());
  }
  if (driver.outbox().settled != submitted) state.SkipWithError("not every job was settled");
  state.SetItemsProcessed(static_cast<std::int64_t>(submitted));
  state.counters["rows/job"] = static_cast<double>(driver.outbox().rows) / static_cast<double>(submitted);
}

BENCHMARK_CAPTURE(machine_part, submit, Part::submit)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();
BENCHMARK_CAPTURE(machine_part, lease, Part::lease)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();
BENCHMARK_CAPTURE(machine_part, settle, Part::settle)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();
BENCHMARK_CAPTURE(machine_part, all, Part::all)->Arg(1)->Arg(16)->Arg(256)->UseManualTime();

}  // namespace
}  // namespace pawl::micro
