// Power cuts while an operation runs and workers and submitters go on: it does each of its jobs exactly once,
// and no others.
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "bench.h"

namespace pawl::engine {
namespace {

using Action = OperationSpec::Action;
using core::Status;

constexpr int jobs_at_first = 900;  // some slices
constexpr int cuts = 3;

struct Case {
  Action action;
  const char* name;
  bool elsewhere = false;  // a replay into another queue
};

/// One thread is the disk, the workers and the submitters at once, so that a seed says when the power fails.
class OperationCrashTest : public testing::TestWithParam<Case> {
 protected:
  using Mode = storage::MemoryStore::Mode;

  void run(std::uint64_t seed) {
    random_.seed(seed);
    bench_ = std::make_unique<Bench>(Mode::manual);
    first_.clear();
    leasing_.reset();
    settling_.clear();
    bench_->start(options());
    core::PutQueue other;
    other.name = "other";
    if (GetParam().elsewhere) ask<core::QueueView>(std::move(other));
    make_jobs();
    id_ = start();
    while (bench_->engine().wall() <= look()->started_at) std::this_thread::yield();
    for (int cut = 0; cut < cuts; ++cut) {
      if (!go_on(random_() % 60)) break;
      cut_power();
    }
    go_on(std::nullopt);
    check();
  }

 private:
  static EngineOptions options() {
    EngineOptions options;
    options.machine.window_jobs = 64;
    options.batch_commands = 16;
    options.batches_in_flight = 1000;
    return options;
  }
  template <typename Done>
  void sync_until(Done&& done) {
    while (!done()) {
      bench_->memory().sync_all();
      std::this_thread::yield();
    }
  }
  template <typename Answer>
  Answer ask(core::CommandBody body) {
    const std::uint64_t tag = bench_->post(std::move(body));
    sync_until([&] { return bench_->basket->has(tag); });
    std::optional<core::Reply> reply = bench_->basket->take(tag);
    EXPECT_TRUE(std::holds_alternative<Answer>(*reply));
    return std::get<Answer>(*std::move(reply));
  }
  std::expected<OperationView, ListError> look() {
    const auto answer =
        std::make_shared<std::pair<std::atomic<bool>, std::expected<OperationView, ListError>>>();
    bench_->engine().operations().get(id_, [answer](auto view) {
      answer->second = std::move(view);
      answer->first = true;
    });
    sync_until([&] { return answer->first.load(); });
    return answer->second;
  }

  void make_jobs() {
    core::Submit submit;
    for (int i = 0; i < jobs_at_first; ++i) {
      core::NewJob job = Bench::job("q");
      job.tags = {i % 3 == 0 ? "spared" : "meant"};
      job.delay_ms = wants_dead() || i % 2 == 0 ? 0 : 100'000'000;
      if (GetParam().action == Action::promote) job.delay_ms = 100'000'000;
      submit.jobs.push_back(std::move(job));
    }
    for (const auto& item : ask<core::Submitted>(std::move(submit)).jobs) first_.push_back(item.id);
    if (!wants_dead()) return;
    for (std::size_t dead = 0; dead < first_.size();) {
      const auto granted = ask<core::Granted>(core::Lease{"q", "w", 100, 1000, {}}).jobs;
      dead += granted.size();
      settle(granted, true);
      while (!settling_.empty()) work();
    }
  }
  bool wants_dead() const {
    const Action action = GetParam().action;
    return action == Action::replay || action == Action::purge || action == Action::retry;
  }
  bool all_are_meant() const {
    const Action action = GetParam().action;
    return action == Action::replay || action == Action::purge || action == Action::drain;
  }
  std::string start() {
    OperationSpec spec;
    spec.action = GetParam().action;
    spec.queue = "q";
    if (spec.is_bulk()) spec.filter.tag = "meant";
    if (GetParam().elsewhere) spec.into = "other";
    if (spec.action == Action::retry) spec.filter.status = {Status::failed};
    const auto answer = std::make_shared<std::pair<std::atomic<bool>, std::string>>();
    bench_->engine().operations().start(std::move(spec), false, [answer](auto view) {
      if (view) answer->second = view->id;
      answer->first = true;
    });
    sync_until([&] { return answer->first.load(); });
    EXPECT_FALSE(answer->second.empty());
    return answer->second;
  }

  static std::string home() { return GetParam().elsewhere ? "other" : "q"; }
  // How often each tag stands on a job of the other queue.
  std::map<std::string, std::uint64_t> tags_elsewhere() {
    std::map<std::string, std::uint64_t> tags;
    std::string cursor;
    do {
      const auto answer = std::make_shared<std::pair<std::atomic<bool>, std::expected<JobPage, ListError>>>();
      JobFilter filter;
      filter.queue = "other";
      bench_->engine().lists().list(filter, 1000, cursor, [answer](auto page) {
        answer->second = std::move(page);
        answer->first = true;
      });
      sync_until([&] { return answer->first.load(); });
      EXPECT_TRUE(answer->second);
      if (!answer->second) break;
      for (const core::JobView& view : answer->second->jobs) {
        for (const std::string& tag : view.job.tags) ++tags[tag];
      }
      cursor = answer->second->next_cursor.value_or("");
    } while (!cursor.empty());
    return tags;
  }

  // Those whose fate the operation shares with nobody: they are not worked on.
  bool work_goes_on() const {
    return GetParam().action == Action::replay || GetParam().action == Action::retry;
  }
  void settle(const std::vector<core::GrantedJob>& granted, bool fail) {
    core::Settle settle;
    for (const core::GrantedJob& job : granted) {
      core::Settlement settlement;
      settlement.id = job.id;
      settlement.lease = job.lease;
      settlement.outcome =
          fail || random_() % 2 == 0 ? core::Settlement::Outcome::fail : core::Settlement::Outcome::complete;
      settlement.permanent = true;
      settlement.error_type = "e";
      settle.settlements.push_back(std::move(settlement));
    }
    settling_.insert(bench_->post(std::move(settle)));
  }
  void work() {
    if (random_() % 3 == 0) bench_->memory().sync(1);
    std::this_thread::yield();
    std::erase_if(settling_, [&](std::uint64_t tag) { return bench_->basket->has(tag); });
    if (leasing_ && bench_->basket->has(*leasing_)) {
      const auto reply = bench_->basket->take(*leasing_);
      leasing_.reset();
      if (const auto* granted = std::get_if<core::Granted>(&*reply); granted && !granted->jobs.empty())
        settle(granted->jobs, false);
    }
  }
  /// Until so many rounds are over, or else until the operation has ended. False: it has.
  bool go_on(std::optional<std::uint64_t> rounds) {
    for (std::uint64_t round = 0; !rounds || round < *rounds; ++round) {
      work();
      if (work_goes_on() && !leasing_) leasing_ = bench_->post(core::Lease{home(), "w", 20, 0, {}});
      if (round % 8 == 0) {  // one that came later is nobody's but its own
        core::NewJob late = Bench::job("q");
        late.tags = {"meant"};
        late.delay_ms = 100'000'000;
        bench_->post(core::Submit{{std::move(late)}, {}});
      }
      if (!rounds && round % 16 == 0) {
        const auto view = look();
        EXPECT_TRUE(view) << "the operation is gone";
        if (!view || view->state != OperationView::State::running) return false;
      }
    }
    return true;
  }
  void cut_power() {
    bench_->memory().crash(random_() % 3);
    (void)bench_->engine().post(core::Submit{{Bench::job("q")}, {}}, nullptr, 0);
    bench_->await_fatal();
    leasing_.reset();
    settling_.clear();
    bench_->restart(options());
  }

  void check() {
    const auto view = look();
    ASSERT_TRUE(view);
    ASSERT_EQ(view->state, OperationView::State::done);
    std::uint64_t did = 0;
    auto moved = GetParam().elsewhere ? tags_elsewhere() : std::map<std::string, std::uint64_t>{};
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const bool meant = all_are_meant() || i % 3 != 0;
      const std::uint64_t tag = bench_->post(core::GetJob{first_[i]});
      sync_until([&] { return bench_->basket->has(tag); });
      const auto reply = bench_->basket->take(tag);
      const auto* found = std::get_if<core::JobView>(&*reply);
      const std::uint64_t times =
          GetParam().elsewhere
              ? moved[std::string(core::moved_tag) + uuid_text(first_[i])] + (found == nullptr ? 0 : 100)
          : found == nullptr ? times_of_gone()
                             : times_of(found->job);
      EXPECT_EQ(times, meant ? 1u : 0u) << "job " << i;
      did += times;
    }
    EXPECT_EQ(view->done, did);
    EXPECT_EQ(view->skipped + view->refused, 0u);
    bench_->memory().sync_all();
    bench_->expect_sound();
  }
  std::uint64_t times_of_gone() const {
    return GetParam().action == Action::purge || GetParam().action == Action::remove ? 1 : 100;
  }
  // How often the operation did its deed.
  std::uint64_t times_of(const core::Job& job) const {
    switch (GetParam().action) {
      case Action::replay:
      case Action::retry:
        return job.replays;
      case Action::drain:
      case Action::cancel:
        return static_cast<std::uint64_t>(std::ranges::count_if(
            job.history, [](const core::Transition& step) { return step.status == Status::cancelled; }));
      case Action::promote:
        return job.status == Status::pending ? 1 : 0;
      default:
        return 0;
    }
  }

  std::unique_ptr<Bench> bench_;
  std::mt19937_64 random_;
  std::string id_;
  std::vector<core::JobId> first_;
  std::optional<std::uint64_t> leasing_;
  std::set<std::uint64_t> settling_;
};

TEST_P(OperationCrashTest, DoesEachOfItsJobsExactlyOnce) {
  for (std::uint64_t seed = 1; seed <= 25 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    run(seed);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OperationCrashTest,
                         testing::Values(Case{Action::replay, "Replay"},
                                         Case{Action::replay, "ReplayElsewhere", true},
                                         Case{Action::purge, "Purge"}, Case{Action::drain, "Drain"},
                                         Case{Action::retry, "Retry"}, Case{Action::cancel, "Cancel"},
                                         Case{Action::promote, "Promote"}, Case{Action::remove, "Remove"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace pawl::engine
