// Every edge and every non-edge of the state table: 8 states × 18 events, as a ledger, and then through the
// machine.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <string>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

constexpr std::array all_status{Status::pending, Status::active,  Status::completed, Status::failed,
                                Status::delayed, Status::stalled, Status::blocked,   Status::cancelled};

// One row for each event, one column for each state in the order of all_status; "-" is refused.
struct Row {
  Event event;
  std::array<const char*, status_count> to;
};
constexpr const char* no = "-";
constexpr std::array ledger{
    //                           pending      active       completed  failed     delayed      stalled blocked
    //                           cancelled
    Row{Event::lease, {"active", no, no, no, no, "active", no, no}},
    Row{Event::complete, {no, "completed", no, no, no, no, no, no}},
    Row{Event::retry_later, {no, "delayed", no, no, no, no, no, no}},
    Row{Event::retry_now, {no, "pending", no, no, no, no, no, no}},
    Row{Event::fail, {no, "failed", no, no, no, no, no, no}},
    Row{Event::release, {no, "pending", no, no, no, no, no, no}},
    Row{Event::release_later, {no, "delayed", no, no, no, no, no, no}},
    Row{Event::stall, {no, "stalled", no, no, no, no, no, no}},
    Row{Event::due, {no, no, no, no, "pending", no, no, no}},
    Row{Event::promote, {no, no, no, no, "pending", no, no, no}},
    Row{Event::cancel, {"cancelled", "cancelled", no, no, "cancelled", "cancelled", "cancelled", no}},
    Row{Event::unblock, {no, no, no, no, no, no, "pending", no}},
    Row{Event::unblock_later, {no, no, no, no, no, no, "delayed", no}},
    Row{Event::parent_failed, {no, no, no, no, no, no, "failed", no}},
    Row{Event::replay, {no, no, "pending", "pending", no, no, no, "pending"}},
    Row{Event::suspend, {no, "blocked", no, no, no, no, no, no}},
    Row{Event::block_again, {no, no, no, "blocked", no, no, no, "blocked"}},
    Row{Event::postpone, {"delayed", no, no, no, no, "delayed", no, no}},
};

std::string text_of(std::optional<Status> status) { return status ? std::string(name_of(*status)) : no; }

TEST(StateTableTest, TheLedgerNamesEveryEvent) {
  ASSERT_EQ(ledger.size(), event_count);
  for (std::size_t i = 0; i < event_count; ++i) EXPECT_EQ(static_cast<std::size_t>(ledger[i].event), i);
}

TEST(StateTableTest, EveryEdgeAndEveryNonEdge) {
  std::size_t edges_seen = 0;
  for (const Row& row : ledger) {
    for (std::size_t i = 0; i < status_count; ++i) {
      const auto to = next(all_status[i], row.event);
      EXPECT_EQ(text_of(to), row.to[i]) << name_of(row.event) << " in " << name_of(all_status[i]);
      edges_seen += to ? 1 : 0;
    }
  }
  EXPECT_EQ(edges_seen, edges.size());
}

TEST(StateTableTest, ARefusedTransitionChangesNothing) {
  for (const Row& row : ledger) {
    for (std::size_t i = 0; i < status_count; ++i) {
      Job job;
      job.status = all_status[i];
      job.history.push_back({job.status, 1});
      const bool moved = job.transit(row.event, 2);
      EXPECT_EQ(moved, std::string(row.to[i]) != no);
      EXPECT_EQ(name_of(job.status), moved ? std::string_view(row.to[i]) : name_of(all_status[i]));
      EXPECT_EQ(job.history.size(), moved ? 2u : 1u);
    }
  }
}

// A job of queue q in a state that commands can reach.
struct Placed {
  JobId id;
  std::optional<GrantedJob> granted;  // the last lease, over or not
};

NewJob spec_for_table() {
  NewJob spec = Bench::job("q");
  spec.max_attempts = 5;
  spec.lease_ms = 1'000;
  return spec;
}

Suspension wait_for_table() {
  Suspension suspension;
  suspension.as = suspension.event = "e";
  return suspension;
}

Placed place(Bench& bench, Status status) {
  NewJob spec = spec_for_table();
  if (status == Status::delayed) spec.delay_ms = 60'000;
  Placed placed{bench.submit(std::move(spec)), {}};
  if (status == Status::pending || status == Status::delayed) return placed;
  if (status == Status::cancelled) {
    bench.call<JobChanged>(Cancel{placed.id});
    return placed;
  }
  placed.granted = bench.lease("q").at(0);
  if (status == Status::completed) bench.complete(*placed.granted);
  if (status == Status::failed) bench.fail(*placed.granted, true);
  if (status == Status::stalled) bench.advance(1'100);
  if (status == Status::blocked) bench.suspend(*placed.granted, wait_for_table());
  return placed;
}

SettleResult settle(Bench& bench, const Placed& placed, const std::function<void(Settlement&)>& say) {
  Settlement settlement;
  settlement.id = placed.id;
  // A lease number that was never this job's when it never had one.
  settlement.lease = placed.granted ? placed.granted->lease : LeaseNumber{999};
  say(settlement);
  return bench.settle(std::move(settlement));
}

// How a command or the clock says an event. The answer is not looked at: where the job stands afterwards is.
const std::map<Event, std::function<void(Bench&, const Placed&)>> ways{
    {Event::lease, [](Bench& bench, const Placed&) { bench.lease("q"); }},
    {Event::complete, [](Bench& bench, const Placed& at) { settle(bench, at, [](Settlement&) {}); }},
    {Event::retry_later,
     [](Bench& bench, const Placed& at) {
       settle(bench, at,
              [](Settlement& s) { s.outcome = Settlement::Outcome::fail, s.retry_delay_ms = 60'000; });
     }},
    {Event::retry_now,
     [](Bench& bench, const Placed& at) {
       settle(bench, at, [](Settlement& s) { s.outcome = Settlement::Outcome::fail, s.retry_delay_ms = 0; });
     }},
    {Event::fail,
     [](Bench& bench, const Placed& at) {
       settle(bench, at, [](Settlement& s) { s.outcome = Settlement::Outcome::fail, s.permanent = true; });
     }},
    {Event::release,
     [](Bench& bench, const Placed& at) {
       settle(bench, at, [](Settlement& s) { s.outcome = Settlement::Outcome::release; });
     }},
    {Event::release_later,
     [](Bench& bench, const Placed& at) {
       settle(bench, at,
              [](Settlement& s) { s.outcome = Settlement::Outcome::release, s.delay_ms = 60'000; });
     }},
    {Event::suspend,
     [](Bench& bench, const Placed& at) {
       settle(bench, at, [](Settlement& s) {
         s.outcome = Settlement::Outcome::suspend;
         s.suspension = std::make_shared<const Suspension>(wait_for_table());
       });
     }},
    {Event::promote, [](Bench& bench, const Placed& at) { bench.take(bench.post(Promote{at.id})); }},
    {Event::postpone,
     [](Bench& bench, const Placed& at) { bench.take(bench.post(ChangeJob{at.id, {}, 60'000, {}})); }},
    {Event::replay, [](Bench& bench, const Placed& at) { bench.take(bench.post(Retry{at.id, {}})); }},
};

TEST(StateTableTest, TheMachineFollowsEveryEdgeAndRefusesEveryNonEdge) {
  for (const Row& row : ledger) {
    const auto way = ways.find(row.event);
    if (way == ways.end()) continue;
    for (std::size_t i = 0; i < status_count; ++i) {
      const Status from = all_status[i];
      Bench bench;
      const Placed placed = place(bench, from);
      ASSERT_EQ(bench.status(placed.id), from);
      const std::size_t moves = bench.get(placed.id).history.size();
      way->second(bench, placed);
      const Job after = bench.get(placed.id);
      const bool edge = std::string(row.to[i]) != no;
      EXPECT_EQ(name_of(after.status), edge ? std::string_view(row.to[i]) : name_of(from))
          << name_of(row.event) << " in " << name_of(from);
      EXPECT_EQ(after.history.size(), moves + (edge ? 1 : 0))
          << name_of(row.event) << " in " << name_of(from);
    }
  }
}

// An active job's cancel waits for its worker; everybody else's is at once.
TEST(StateTableTest, TheMachineCancelsWaitingJobsAtOnceAndActiveOnesWhenTheLeaseIsOver) {
  for (const Status from : {Status::pending, Status::delayed, Status::stalled, Status::blocked}) {
    Bench bench;
    const Placed placed = place(bench, from);
    EXPECT_EQ(bench.call<JobChanged>(Cancel{placed.id}).status, Status::cancelled);
    EXPECT_EQ(bench.status(placed.id), Status::cancelled);
  }
  for (const Status from : {Status::completed, Status::failed}) {
    Bench bench;
    const Placed placed = place(bench, from);
    EXPECT_EQ(bench.call<Refused>(Cancel{placed.id}).why, Refusal::wrong_state);
    EXPECT_EQ(bench.status(placed.id), from);
  }
  Bench bench;
  const Placed placed = place(bench, Status::active);
  EXPECT_TRUE(bench.call<JobChanged>(Cancel{placed.id}).cancel_requested);
  EXPECT_EQ(bench.status(placed.id), Status::active);
  bench.fail(*placed.granted);
  EXPECT_EQ(bench.status(placed.id), Status::cancelled);
}

TEST(StateTableTest, TimeStallsOnlyActiveJobsAndFreesOnlyDelayedOnes) {
  for (const Status from : all_status) {
    Bench bench;
    const Placed placed = place(bench, from);
    bench.advance(61'000);
    const Status must = from == Status::active    ? Status::stalled
                        : from == Status::delayed ? Status::pending
                                                  : from;
    EXPECT_EQ(bench.status(placed.id), must) << name_of(from);
  }
}

}  // namespace
}  // namespace pawl::core::test
