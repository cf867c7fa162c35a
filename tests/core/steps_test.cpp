// Durable steps: what an attempt keeps, sleeps and waits, and the events that end them.
#include <gtest/gtest.h>

#include "tests/core/bench.h"

namespace pawl::core::test {
namespace {

Bytes json(const std::string& text) { return std::make_shared<const std::string>(text); }

/// Values that the test names.
class Values final : public EventData {
 public:
  explicit Values(Match values) : values_(std::move(values)) {}
  std::optional<std::string> value_at(const std::string& path) const override {
    for (const auto& [known, value] : values_) {
      if (known == path) return value;
    }
    return std::nullopt;
  }

 private:
  Match values_;
};

class StepsTest : public ::testing::Test {
 protected:
  Bench bench;

  JobId submit() { return bench.submit(Bench::job("q")); }
  GrantedJob lease() { return bench.lease("q").at(0); }
  StepKept keep(const GrantedJob& granted, const std::string& name, const std::string& result) {
    return bench.call<StepKept>(KeepStep{granted.id, granted.lease, {name, json(result)}});
  }
  static Suspension sleeps(Millis ms, std::string as = {}) {
    Suspension suspension;
    suspension.sleep_ms = ms;
    suspension.as = std::move(as);
    return suspension;
  }
  static Suspension waits(std::string event, Match match = {}, Millis timeout_ms = 0) {
    Suspension suspension;
    suspension.as = "reply";
    suspension.event = std::move(event);
    suspension.match = std::move(match);
    suspension.timeout_ms = timeout_ms;
    return suspension;
  }
  EventRaised raise(const std::string& name, const std::string& data = "1", Match values = {}) {
    return bench.call<EventRaised>(
        RaiseEvent{name, json(data), std::make_shared<const Values>(std::move(values))});
  }
  static std::map<std::string, std::string> texts(const std::vector<Step>& steps) {
    std::map<std::string, std::string> texts;
    for (const Step& step : steps) texts[step.name] = step.result ? *step.result : "null";
    return texts;
  }
};

TEST_F(StepsTest, AKeptStepComesWithEveryLaterLease) {
  submit();
  const GrantedJob first = lease();
  EXPECT_TRUE(first.steps.empty());
  EXPECT_FALSE(keep(first, "resize", "{\"w\":1}").repeated);
  const StepKept again = keep(first, "resize", "2");
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(*again.step.result, "{\"w\":1}") << "the first result stays";
  bench.fail(first, false, 0);
  bench.restart();
  const GrantedJob second = lease();
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_EQ(texts(second.steps), (std::map<std::string, std::string>{{"resize", "{\"w\":1}"}}));
}

TEST_F(StepsTest, AStepIsOnDiskWhileTheJobRuns) {
  const JobId id = submit();
  keep(lease(), "a", "1");
  bench.restart();
  EXPECT_EQ(bench.status(id), Status::active);
  EXPECT_EQ(texts(bench.get(id).steps), (std::map<std::string, std::string>{{"a", "1"}}));
}

TEST_F(StepsTest, OnlyTheHolderKeepsSteps) {
  submit();
  const GrantedJob first = lease();
  bench.complete(first);
  EXPECT_EQ(bench.call<Refused>(KeepStep{first.id, first.lease, {"a", nullptr}}).why, Refusal::lease_lost);
  EXPECT_TRUE(bench.get(first.id).steps.empty());
}

TEST_F(StepsTest, StepsAreBounded) {
  submit();
  const GrantedJob granted = lease();
  keep(granted, "large", '"' + std::string(steps_bytes_max - 7, 'x') + '"');
  EXPECT_EQ(bench.call<Refused>(KeepStep{granted.id, granted.lease, {"b", nullptr}}).why,
            Refusal::too_many_steps);
  bench.complete(granted);
  submit();
  const GrantedJob other = lease();
  for (std::size_t i = 0; i < steps_max; ++i) keep(other, std::to_string(i), "1");
  EXPECT_EQ(bench.call<Refused>(KeepStep{other.id, other.lease, {"more", nullptr}}).why,
            Refusal::too_many_steps);
  EXPECT_EQ(bench.suspend(other, sleeps(1, "more")).refused->why, Refusal::too_many_steps);
}

TEST_F(StepsTest, ASleepUsesUpNoAttemptAndIsAStep) {
  const JobId id = submit();
  const GrantedJob first = lease();
  const SettleResult slept = bench.suspend(first, sleeps(60'000, "cool-down"));
  EXPECT_EQ(slept.status, Status::delayed);
  EXPECT_EQ(slept.run_at, bench.now.wall + 60'000);
  const SettleResult repeated = bench.suspend(first, sleeps(60'000, "cool-down"));
  EXPECT_FALSE(repeated.refused);
  EXPECT_EQ(repeated.run_at, slept.run_at);
  bench.restart();
  bench.advance(59'999);
  EXPECT_EQ(bench.status(id), Status::delayed);
  bench.advance(1);
  const GrantedJob second = lease();
  EXPECT_EQ(second.attempt, 1u);
  EXPECT_EQ(texts(second.steps), (std::map<std::string, std::string>{{"cool-down", "null"}}));
  EXPECT_EQ(bench.suspend(second, sleeps(1, "cool-down")).refused->why, Refusal::step_exists);
  EXPECT_EQ(bench.status(id), Status::active) << "a refused suspension changes nothing";
}

TEST_F(StepsTest, AnEventWakesWhoeverWaitsForItWithItsData) {
  const JobId id = submit();
  EXPECT_EQ(bench.suspend(lease(), waits("paid")).status, Status::blocked);
  EXPECT_EQ(bench.call<Reason>(Why{id}).code, Reason::Code::waiting_for_event);
  EXPECT_EQ(raise("other").resumed, 0u);
  bench.restart();
  EXPECT_EQ(raise("paid", "{\"eur\":5}").resumed, 1u);
  EXPECT_TRUE(bench.rows.waits.empty());
  EXPECT_EQ(raise("paid").resumed, 0u) << "it does not wait any more";
  const GrantedJob second = lease();
  EXPECT_EQ(second.attempt, 1u);
  EXPECT_EQ(texts(second.steps), (std::map<std::string, std::string>{{"reply", "{\"eur\":5}"}}));
  bench.complete(second);
  EXPECT_EQ(bench.count("q", Status::blocked), 0u);
}

TEST_F(StepsTest, AnEventWakesOnlyThoseThatItMatches) {
  std::vector<JobId> ids;
  for (const Match& match : {Match{}, Match{{"order", "7"}}, Match{{"order", "8"}},
                             Match{{"order", "7"}, {"state", "\"ok"}}, Match{{"other", "7"}}}) {
    ids.push_back(submit());
    bench.suspend(lease(), waits("paid", match));
  }
  bench.restart();
  EXPECT_EQ(raise("paid", "1", {{"order", "7"}, {"state", "\"ok"}}).resumed, 3u);
  const std::vector<Status> expected{Status::pending, Status::pending, Status::blocked, Status::pending,
                                     Status::blocked};
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(bench.status(ids[i]), expected[i]) << i;
}

TEST_F(StepsTest, AWaitThatIsOverGivesNull) {
  const JobId id = submit();
  bench.suspend(lease(), waits("paid", {{"order", "7"}}, 5'000));
  EXPECT_EQ(bench.rows.timers.size(), 1u);
  bench.restart();
  bench.advance(4'999);
  EXPECT_EQ(bench.status(id), Status::blocked);
  bench.advance(1);
  EXPECT_EQ(bench.status(id), Status::pending);
  EXPECT_TRUE(bench.rows.timers.empty());
  EXPECT_TRUE(bench.rows.waits.empty());
  EXPECT_EQ(texts(lease().steps), (std::map<std::string, std::string>{{"reply", "null"}}));
}

TEST_F(StepsTest, AnEventInTimeTakesTheTimerAway) {
  submit();
  bench.suspend(lease(), waits("paid", {}, 5'000));
  EXPECT_EQ(raise("paid").resumed, 1u);
  EXPECT_TRUE(bench.rows.timers.empty());
  bench.complete(lease());
  bench.advance(10'000);
  EXPECT_EQ(bench.count("q", Status::completed), 1u);
}

TEST_F(StepsTest, CancelAndDeleteLeaveNoWaitBehind) {
  const JobId cancelled = submit();
  bench.suspend(lease(), waits("paid", {}, 5'000));
  const JobId deleted = submit();
  bench.suspend(lease(), waits("paid", {{"a", "1"}}));
  bench.call<JobChanged>(Cancel{cancelled});
  EXPECT_EQ(bench.get(cancelled).wait, nullptr);
  bench.call<JobDeleted>(Delete{deleted, {}});
  EXPECT_TRUE(bench.rows.waits.empty());
  EXPECT_TRUE(bench.rows.timers.empty());
  EXPECT_EQ(raise("paid", "1", {{"a", "1"}}).resumed, 0u);
}

TEST_F(StepsTest, AQueueThatIsDeletedTakesItsWaitsAlong) {
  submit();
  bench.suspend(lease(), waits("paid", {{"a", "1"}}, 9'000));
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
  EXPECT_TRUE(bench.rows.waits.empty());
  EXPECT_EQ(raise("paid", "1", {{"a", "1"}}).resumed, 0u);
  bench.restart();
  bench.advance(10'000);
  EXPECT_EQ(raise("paid", "1", {{"a", "1"}}).resumed, 0u);
}

TEST_F(StepsTest, ACancelThatWasAskedForWinsOverASuspension) {
  const JobId id = submit();
  const GrantedJob granted = lease();
  bench.call<JobChanged>(Cancel{id});
  EXPECT_EQ(bench.suspend(granted, waits("paid")).status, Status::cancelled);
  EXPECT_TRUE(bench.rows.waits.empty());
}

TEST_F(StepsTest, ARetryGoesOnWhereTheFailedAttemptStoodAndACompletedJobBeginsAnew) {
  const JobId id = submit();
  GrantedJob granted = lease();
  keep(granted, "a", "1");
  bench.fail(granted, true);
  bench.call<JobChanged>(Retry{id, {}});
  granted = lease();
  EXPECT_EQ(granted.steps.size(), 1u);
  bench.complete(granted);
  bench.call<JobChanged>(Retry{id, {}});
  EXPECT_TRUE(lease().steps.empty());
}

TEST(StepsLimitTest, WaitsAreBounded) {
  MachineOptions options;
  options.waits_max = 1;
  Bench bench(options);
  Suspension suspension;
  suspension.as = suspension.event = "e";
  bench.submit(Bench::job("q"));
  bench.submit(Bench::job("q"));
  EXPECT_FALSE(bench.suspend(bench.lease("q").at(0), suspension).refused);
  const GrantedJob second = bench.lease("q").at(0);
  EXPECT_EQ(bench.suspend(second, suspension).refused->why, Refusal::too_many_waits);
  bench.call<EventRaised>(RaiseEvent{"e", nullptr, std::make_shared<const Values>(Match{})});
  EXPECT_FALSE(bench.suspend(second, suspension).refused);
}

class TriggersTest : public StepsTest {
 protected:
  static Trigger trigger(std::string id, std::string event, Match match = {}) {
    Trigger made;
    made.id = std::move(id);
    made.event = std::move(event);
    made.match = std::move(match);
    made.job = Bench::job("q");
    return made;
  }
  TriggerView put(Trigger made) { return bench.call<TriggerView>(PutTrigger{std::move(made)}); }
  std::vector<std::string> payloads() {
    std::vector<std::string> found;
    for (const GrantedJob& job : bench.lease("q", 100)) found.push_back(*job.payload);
    return found;
  }
};

TEST_F(TriggersTest, AnEventStartsAJobOfEachTriggerThatMatches) {
  put(trigger("a", "signup"));
  put(trigger("b", "signup", {{"plan", "\"pro"}}));
  put(trigger("c", "other"));
  EXPECT_EQ(raise("signup", "{\"plan\":\"free\"}", {{"plan", "\"free"}}).started, 1u);
  EXPECT_EQ(raise("signup", "{\"plan\":\"pro\"}", {{"plan", "\"pro"}}).started, 2u);
  bench.restart();
  EXPECT_EQ(raise("signup", "3").started, 1u);
  const JobId last = bench.call<TriggerView>(GetTrigger{"a"}).row.last_job;
  EXPECT_EQ(bench.get(last).tags, std::vector<std::string>{"trigger:a"});
  EXPECT_EQ(payloads(), (std::vector<std::string>{"{\"event\":\"signup\",\"data\":{\"plan\":\"free\"}}",
                                                  "{\"event\":\"signup\",\"data\":{\"plan\":\"pro\"}}",
                                                  "{\"event\":\"signup\",\"data\":{\"plan\":\"pro\"}}",
                                                  "{\"event\":\"signup\",\"data\":3}"}));
  EXPECT_EQ(bench.call<TriggerView>(GetTrigger{"a"}).row.jobs, 3u);
}

TEST_F(TriggersTest, ABatchStartsWhenItIsFullOrItsTimeIsOver) {
  Trigger batch = trigger("a", "e");
  batch.batch_max = 3;
  batch.batch_timeout_ms = 10'000;
  put(batch);
  EXPECT_EQ(raise("e", "1").gathered, 1u);
  bench.restart();
  raise("e", "2");
  EXPECT_EQ(bench.rows.gathered.size(), 2u);
  EXPECT_EQ(raise("e", "3").started, 1u);
  EXPECT_TRUE(bench.rows.gathered.empty());
  raise("e", "4");
  bench.restart();
  bench.advance(9'999);
  EXPECT_EQ(bench.count("q", Status::pending), 1u);
  bench.advance(1);
  EXPECT_TRUE(bench.rows.gathered.empty());
  EXPECT_EQ(payloads(), (std::vector<std::string>{"{\"event\":\"e\",\"events\":[1,2,3]}",
                                                  "{\"event\":\"e\",\"events\":[4]}"}));
}

TEST_F(TriggersTest, ALargeBatchStartsEarlier) {
  Trigger batch = trigger("a", "e");
  batch.batch_max = 1000;
  batch.batch_timeout_ms = 10'000;
  put(batch);
  const std::string large = '"' + std::string(200 << 10, 'x') + '"';
  EXPECT_EQ(raise("e", large).started, 0u);
  EXPECT_EQ(raise("e", large).started, 0u);
  EXPECT_EQ(raise("e", large).started, 1u);
}

TEST_F(TriggersTest, AChangedTriggerKeepsWhatItGatheredUnlessItsEventIsAnother) {
  Trigger batch = trigger("a", "e");
  batch.batch_max = 10;
  batch.batch_timeout_ms = 10'000;
  put(batch);
  raise("e", "1");
  batch.batch_timeout_ms = 4'000;
  EXPECT_EQ(put(batch).gathered, 1u);
  bench.advance(4'000);
  EXPECT_EQ(payloads(), std::vector<std::string>{"{\"event\":\"e\",\"events\":[1]}"});
  raise("e", "2");
  batch.event = "f";
  EXPECT_EQ(put(batch).gathered, 0u);
  EXPECT_TRUE(bench.rows.gathered.empty());
  EXPECT_EQ(raise("e", "3").gathered, 0u);
}

TEST_F(TriggersTest, ADeletedTriggerIsGoneWithWhatItGathered) {
  Trigger batch = trigger("a", "e");
  batch.batch_max = 2;
  batch.batch_timeout_ms = 1'000;
  put(batch);
  raise("e");
  bench.call<TriggerDeleted>(DeleteTrigger{"a"});
  EXPECT_TRUE(bench.rows.gathered.empty());
  EXPECT_TRUE(bench.rows.triggers.empty());
  EXPECT_EQ(raise("e").gathered, 0u);
  bench.advance(2'000);
  EXPECT_EQ(bench.count("q", Status::pending), 0u);
  EXPECT_EQ(bench.call<Refused>(DeleteTrigger{"a"}).why, Refusal::unknown_trigger);
}

TEST_F(TriggersTest, AQueueThatATriggerNamesIsNotDeleted) {
  put(trigger("a", "e"));
  EXPECT_EQ(bench.call<Refused>(DeleteQueue{"q", true}).why, Refusal::queue_in_use);
  bench.call<TriggerDeleted>(DeleteTrigger{"a"});
  bench.call<QueueDeleted>(DeleteQueue{"q", true});
}

}  // namespace
}  // namespace pawl::core::test
