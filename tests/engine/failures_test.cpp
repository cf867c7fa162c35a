// Dead letters by what made them fail, and careful replays of them.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

#include "broker/engine/codec.h"
#include "operation_test.h"

namespace pawl::engine {
namespace {

using core::Status;
using Outcome = core::Settlement::Outcome;

TEST(FingerprintTest, WhatDiffersFromJobToJobIsTakenOut) {
  const auto expect = [](std::string_view message, std::string_view form) {
    EXPECT_EQ(common_form(message), form) << message;
  };
  expect("took 31.5 s", "took <n> s");
  expect("took 5ms, of 1,234,567 bytes", "took <n>ms, of <n> bytes");
  expect("no user 42 in tenant-7", "no user <n> in tenant-<n>");
  expect("job 0199b3c2-7a10-7000-8000-0000a1f40001 is gone.", "job <id> is gone.");
  expect("commit 3979058ab1 not found", "commit <id> not found");
  expect("pointer 0x7ffd12 (nil)", "pointer <id> (nil)");
  expect("request req_8aK2mz91Qp failed", "request req_<id> failed");
  expect("connect to 10.0.0.7:5432: refused", "connect to <address>: refused");
  expect("connect to fe80::1%eth0 and [::1]:80", "connect to <address> and [<address>]:<n>");
  expect("GET https://a.example/x?y=1 gave 503", "GET <address> gave <n>");
  expect("mail to ann.lee+7@example.org bounced", "mail to <address> bounced");
  expect("at 2026-11-24T10:15:30.5Z or 10:15", "at <n> or <n>");
  expect("cafe, decade and facade are words", "cafe, decade and facade are words");
  expect("  first line 1\nsecond line", "first line <n>");
  expect("größe 3 → zu groß", "größe <n> → zu groß");
  expect("", "");
}

TEST(FingerprintTest, WhatStandsForIdsNumbersAndAddressesIsTheSame) {
  constexpr std::string_view uuid = "550e8400-e29b-41d4-a716-446655440000";
  const auto with = [](std::string_view before, std::string_view id, std::string_view after) {
    return std::string(before).append(id).append(after);
  };
  struct Place {
    std::string_view before, after, form;
  };
  for (const auto& [before, after, form] : {
           Place{"GET /users/", " returned 404", "GET /users/<id> returned <n>"},
           {"order:", " not found", "order:<id> not found"},
           {"order-", " not found", "order-<id> not found"},
           {"order_", ", again", "order_<id>, again"},
           {"#", " gone", "#<id> gone"},
           {"urn:uuid:", " gone", "urn:uuid:<id> gone"},
           {"open /tmp/", ".png: no such file", "open /tmp/<id>.png: no such file"},
           {"Foo2-", "_v2", "Foo<n>-<id>_v<n>"},
           {"items 5,", " and 7", "items <n>,<id> and <n>"},
           {"v1.", "?", "v<n>.<id>?"},
           {"5/", "/7", "<n>/<id>/<n>"},
       }) {
    EXPECT_EQ(common_form(with(before, uuid, after)), form);
    EXPECT_EQ(common_form(with(before, "123E4567-E89B-12D3-A456-426614174000", after)), form);
    EXPECT_EQ(common_form(with(before, "00000000-0000-0000-0000-000000000000", after)), form);
  }
  EXPECT_EQ(common_form(with("", uuid, "-") + with("", uuid, "")), "<id>-<id>");
  // With a letter or a digit beside it, it is not one.
  EXPECT_NE(common_form(with("x", uuid, "")), "x<id>");
  EXPECT_NE(common_form(with("", uuid, "7")), "<id>7");

  struct Pair {
    std::string_view one, other, form;
  };
  for (const auto& [one, other, form] : {
           Pair{"no cus_NffrFeUfNV2Hib", "no cus_Mc8q7RkW1bZx0P", "no cus_<id>"},
           {"no id NffrFeUfNV2Hib", "no id Mc8q7RkW1bZx0P", "no id <id>"},
           {"{'id': 'pm_aBcDEfGhIjK8Lm'}", "{'id': 'pm_Mc8q7RkW1bZx0P'}", "{'id': 'pm_<id>'}"},
           {"no V1StGXR8_Z5jdHi6B-myT", "no Uakgb_J5m9g-0JDMbcJqLJ", "no <id>"},
           {"no V1StGXR8_Z5jdHi6B-myT", "no -akgbJJ5m9g20JDMbcJq_", "no <id>"},
           {"/a/order-V1StGXR8_Z5jdHi6B-myT_small.png", "/a/order-x9Kq_J5m9g-0JDMbcJqLa_small.png",
            "/a/order-<id>_small.png"},
           {"pi_3MmlLrLkdIwHu7ix0snN0B15_secret_YrKJUKribcBjcG8HVhfZluoGH",
            "pi_3PKtQ2LkdIwHu7ix1aZ8kW2m_secret_Q8w2ZyT1uXc4VbN6mK9pLs3D", "pi_<id>_secret_<id>"},
           {"Request ID: ABCDEFG123456789", "Request ID: 4442587FB7D0A2F9", "Request ID: <id>"},
           {"Extended Request ID: "
            "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=",
            "Extended Request ID: "
            "7r+Ox2zQ8kVb/3mTfYh1NdWcE5sLuJ9pGaRiX0tZvKqB4yM6oHnDlF+PeSUw2AgC7jI1rTkV8Qx=",
            "Extended Request ID: <id>="},
           {"merge of 74214ca", "merge of c5ca2d6", "merge of <id>"},
           {"merge of 14c82b6", "merge of 0535c7d0", "merge of <id>"},
           {"no route to 2001:470::1", "no route to 2001:db8::1", "no route to <address>"},
           {"no route to 2001:470:0:0:0:0:0:1", "no route to fe80:0:0:0:0:0:0:1", "no route to <address>"},
           {"Connection refused: /2001:470::1", "Connection refused: /2001:db8::1",
            "Connection refused: /<address>"},
           {"[2001:470::1]:443", "[2001:db8::1]:443", "[<address>]:<n>"},
           {"no lease for 00:11:22:33:44:55", "no lease for aa:bb:cc:dd:ee:ff", "no lease for <address>"},
           {"no lease for 00-11-22-33-44-55", "no lease for 00-1A-2B-3C-4D-5E", "no lease for <address>"},
           {"mail to a@localhost", "mail to bob@localhost:25", "mail to <address>"},
           {"p = 1.5e-07", "p = 0.25", "p = <n>"},
           {"took 1.5e-07s", "took 0.25s", "took <n>s"},
           {"1e5 rows", "7 rows", "<n> rows"},
           {"1.0E10 rows", "7 rows", "<n> rows"},
           {R"({"n":-1e+06,"m":2})", R"({"n":5,"m":2})", R"({"n":<n>,"m":<n>})"},
           {"got -5, wanted more", "got 5, wanted more", "got <n>, wanted more"},
           {"got -1,234.5 (-7ms)", "got +5 (7ms)", "got <n> (<n>ms)"},
           {"offset:-5", "offset:5", "offset:<n>"},
           {"at -08:00", "at 10:15", "at <n>"},
       }) {
    EXPECT_EQ(common_form(one), form) << one;
    EXPECT_EQ(common_form(other), form) << other;
  }
}

TEST(FingerprintTest, WordsKeepWhatTellsThemApart) {
  for (const auto& [message, form] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"utf8 sha256 x86_64 ipv4 base64", "utf<n> sha<n> x<n>_<n> ipv<n> base<n>"},
           {"S3 EC2 h264 i18n K8sApiClient", "S<n> EC<n> h<n> i<n>n K<n>sApiClient"},
           {"Error2Handler Http2FrameReader.read", "Error<n>Handler Http<n>FrameReader.read"},
           {"test_Error2Handler test_Http2FrameReader", "test_Error<n>Handler test_Http<n>FrameReader"},
           {"ERR_HTTP2_STREAM_ERROR", "ERR_HTTP<n>_STREAM_ERROR"},
           {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_<n>_GCM_SHA<n>"},
           {"LPPROCESSENTRY32 1099511628211ULL", "LPPROCESSENTRY<n> <n>ULL"},
           {"x86_64-linux-gnu-gcc-12, v1.2.3-rc1", "x<n>_<n>-linux-gnu-gcc-<n>, v<n>-rc<n>"},
           {"prod-EU1-k8s-Node3-v2 us-east-1a", "prod-EU<n>-k<n>s-Node<n>-v<n> us-east-<n>a"},
           {"E000123 bad1234 facade1 100000b", "E<n> bad<n> facade<n> <n>b"},
           {"tenant-7 --5 a-5 1e5b 2e-commerce", "tenant-<n> --<n> a-<n> <n>e<n>b <n>e-commerce"},
           {"com.example.Foo@1b6d3586 react@17", "com.example.Foo@<id> react@<n>"},
           {"/usr/lib/python3/Foo2/bar.py:12", "/usr/lib/python<n>/Foo<n>/bar.py:<n>"},
           {"ORA-00942, SQLSTATE[42P01]", "ORA-<n>, SQLSTATE[<n>P<n>]"},
           {"12:30:15 std::string 50%", "<n> std::string <n>%"},
       })
    EXPECT_EQ(common_form(message), form) << message;
}

TEST(FingerprintTest, TellsCausesApart) {
  EXPECT_EQ(fingerprint_of("timeout", "took 3 s"), fingerprint_of("timeout", "took 31.5 s"));
  EXPECT_NE(fingerprint_of("timeout", "took 3 s"), fingerprint_of("late", "took 3 s"));
  EXPECT_NE(fingerprint_of("timeout", "took 3 s"), fingerprint_of("timeout", "took 3 ms"));
  EXPECT_NE(fingerprint_of("http-404", "gone"), fingerprint_of("http-500", "gone"));
  const Fingerprint some = fingerprint_of("a", "b");
  EXPECT_EQ(parse_fingerprint(fingerprint_text(some)), some);
  for (const char* wrong : {"", "12", "000000000000000g", "00000000000000000", "000000000000000A"})
    EXPECT_FALSE(parse_fingerprint(wrong)) << wrong;
}

class FailuresTest : public OperationTest {
 protected:
  std::vector<FailureGroup> groups(const std::string& queue = "q") {
    while (true) {
      std::expected<std::vector<FailureGroup>, ListError> groups;
      bench.await([&](auto done) {
        bench.engine().lists().failure_groups(queue, [&groups, done](auto answer) {
          groups = std::move(answer);
          done();
        });
      });
      if (groups) return *groups;
      if (groups.error() == ListError::busy) continue;  // they are being counted
      EXPECT_EQ(groups.error(), ListError::unknown_queue);
      return {};
    }
  }
  /// What stands in the store, counted by hand.
  std::map<Fingerprint, std::uint64_t> counted() {
    std::map<Fingerprint, std::uint64_t> counts;
    const auto scanned = bench.store().acquire(0);
    EXPECT_TRUE(scanned);
    const auto snapshot = (*scanned)->snapshot();
    EXPECT_TRUE(snapshot->scan({family::dead, {}, std::string(21, '\xff')},
                               [&](std::string_view key, std::string_view value) {
                                 const auto job = decode_job(core::Place::dead, key, value);
                                 EXPECT_TRUE(job);
                                 if (job) ++counts[fingerprint_of(*job)];
                                 return true;
                               }));
    return counts;
  }
  void fail_some(int jobs, const std::string& type, const std::string& message) {
    for (int i = 0; i < jobs; ++i) bench.submit(Bench::job("q"));
    fail_leased(static_cast<std::size_t>(jobs), type, message);
  }
  void fail_leased(std::size_t jobs, const std::string& type, const std::string& message) {
    int n = 0;
    for (const core::GrantedJob& granted : bench.lease_all("q", jobs))
      bench.settle(granted, Outcome::fail, true, type, message + " " + std::to_string(n++));
  }
};

TEST_F(FailuresTest, AreCountedByCauseAsTheyComeAndGo) {
  bench.start();
  fail_some(5, "timeout", "after");
  fail_some(3, "disk", "sector");
  auto seen = groups();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].count, 5u);
  EXPECT_EQ(seen[0].type, "timeout");
  EXPECT_EQ(seen[0].sample, "after 4");
  EXPECT_EQ(seen[0].trend.back() + seen[0].trend[22], 5u);  // the hour may change meanwhile
  EXPECT_LE(seen[0].first_seen, seen[0].last_seen);
  EXPECT_EQ(seen[1].count, 3u);

  OperationSpec purge;
  purge.action = OperationSpec::Action::purge;
  purge.queue = "q";
  purge.filter.fingerprint = seen[1].fingerprint;
  EXPECT_EQ(start(purge, true).done, 3u);
  OperationSpec replay;
  replay.queue = "q";
  replay.filter.fingerprint = seen[0].fingerprint;
  EXPECT_EQ(start(replay, true).done, 5u);
  EXPECT_TRUE(groups().empty());
  fail_leased(5, "timeout", "again");
  ASSERT_EQ(groups().size(), 1u);
  EXPECT_EQ(groups()[0].count, 5u);
  EXPECT_TRUE(groups("nowhere").empty());
  bench.expect_sound();
}

TEST_F(FailuresTest, AreAsTheStoreHasThemAfterAnythingAndARestart) {
  bench.start();
  std::mt19937 random(11);  // NOLINT: a fixed seed
  for (int round = 0; round < 12; ++round) {
    fail_some(static_cast<int>(random() % 9), "t" + std::to_string(random() % 3), "lost");
    const auto seen = groups();
    OperationSpec spec;
    spec.queue = "q";
    spec.action = random() % 2 == 0 ? OperationSpec::Action::replay : OperationSpec::Action::purge;
    if (!seen.empty() && random() % 2 == 0)
      spec.filter.fingerprint = seen[random() % seen.size()].fingerprint;
    if (random() % 3 == 0) start(spec, true);
    if (round % 4 == 3) bench.restart();
    std::map<Fingerprint, std::uint64_t> told;
    for (const FailureGroup& group : groups()) told[group.fingerprint] = group.count;
    std::uint64_t sum = 0;
    for (const auto& [fingerprint, jobs] : told) sum += jobs;
    EXPECT_EQ(sum, count(Status::failed));
    bench.stop();
    EXPECT_EQ(told, counted());
    bench.restart();
  }
}

TEST_F(FailuresTest, BeyondAThousandKindsTheyAreCountedTogether) {
  FailureGroups groups;
  Bench empty;
  groups.build((*empty.store().acquire(0))->snapshot(), 0, nullptr);
  const auto change = [&](FailureChange::What what, std::uint64_t kind) {
    groups.add({FailureChange{what, core::QueueNumber{1}, Fingerprint{kind}, 0, 1000, "t", "s"}});
  };
  constexpr std::uint64_t kinds = FailureGroups::groups_max + 50;
  for (std::uint64_t kind = 1; kind <= kinds; ++kind) change(FailureChange::What::arrived, kind);
  const auto read = [&] {
    std::optional<std::vector<FailureGroup>> seen;
    while (!seen) seen = groups.read(core::QueueNumber{1}, 2000);
    return *seen;
  };
  ASSERT_EQ(read().size(), FailureGroups::groups_max + 1);
  EXPECT_EQ(read()[0].fingerprint, Fingerprint::none);
  EXPECT_EQ(read()[0].count, 50u);
  // Each leaves the group to which it came, whatever room there is by then.
  for (std::uint64_t kind = 1; kind <= kinds; ++kind) change(FailureChange::What::left, kind);
  EXPECT_TRUE(read().empty());
  change(FailureChange::What::arrived, kinds);
  EXPECT_EQ(read()[0].fingerprint, Fingerprint{kinds});
  groups.add({FailureChange{FailureChange::What::queue_gone, core::QueueNumber{1}}});
  EXPECT_TRUE(read().empty());
}

TEST_F(FailuresTest, ExpireWithTheirRows) {
  FailureGroups groups;
  Bench empty;
  groups.build((*empty.store().acquire(0))->snapshot(), 0, nullptr);
  const auto arrive = [&](core::Millis expires) {
    groups.add({FailureChange{FailureChange::What::arrived, core::QueueNumber{1}, Fingerprint{5}, expires,
                              100, "t", "s"}});
  };
  arrive(1000);
  arrive(1000);
  arrive(2000);
  arrive(0);
  const auto jobs = [&](core::Millis wall) -> std::uint64_t {
    std::optional<std::vector<FailureGroup>> seen;
    while (!seen) seen = groups.read(core::QueueNumber{1}, wall);
    return seen->empty() ? 0 : (*seen)[0].count;
  };
  EXPECT_EQ(jobs(999), 4u);
  EXPECT_EQ(jobs(1000), 2u);
  EXPECT_EQ(jobs(5000), 1u);
  groups.add({FailureChange{FailureChange::What::left, core::QueueNumber{1}, Fingerprint{5}, 2000}});
  EXPECT_EQ(jobs(5000), 1u);
  groups.add({FailureChange{FailureChange::What::left, core::QueueNumber{1}, Fingerprint{5}}});
  EXPECT_EQ(jobs(5000), 0u);
}

TEST_F(FailuresTest, TheTrendIsByTheHour) {
  constexpr core::Millis hour = 3'600'000;
  FailureGroups groups;
  Bench empty;
  groups.build((*empty.store().acquire(0))->snapshot(), 0, nullptr);
  const auto arrive = [&](core::Millis at) {
    groups.add(
        {FailureChange{FailureChange::What::arrived, core::QueueNumber{1}, Fingerprint{5}, 0, at, "t", "s"}});
  };
  for (const core::Millis at : {100 * hour, 103 * hour + 5, 103 * hour + 9, 60 * hour}) arrive(at);
  std::optional<std::vector<FailureGroup>> seen;
  while (!seen) seen = groups.read(core::QueueNumber{1}, 104 * hour);
  const FailureGroup& group = seen->at(0);
  EXPECT_EQ(group.trend[23], 0u);
  EXPECT_EQ(group.trend[22], 2u);
  EXPECT_EQ(group.trend[19], 1u);
  EXPECT_EQ(std::accumulate(group.trend.begin(), group.trend.end(), 0u), 3u);
  EXPECT_EQ(group.first_seen, 60 * hour);
  EXPECT_EQ(group.last_seen, 103 * hour + 9);
}

class CarefulReplayTest : public FailuresTest {
 protected:
  OperationView await_state(const std::string& id, OperationView::State state) {
    const auto until = std::chrono::steady_clock::now() + patience;
    OperationView view = get(id);
    while (view.state != state && std::chrono::steady_clock::now() < until) view = get(id);
    EXPECT_EQ(view.state, state);
    return view;
  }
  void settle_leased(std::size_t complete, std::size_t fail) {
    const auto granted = bench.lease_all("q", complete + fail);
    ASSERT_EQ(granted.size(), complete + fail);
    for (std::size_t i = 0; i < granted.size(); ++i)
      bench.settle(granted[i], i < complete ? Outcome::complete : Outcome::fail, i >= complete, "again");
  }
};

TEST_F(CarefulReplayTest, TheCanaryGoesAheadAndTheOthersFollow) {
  bench.start();
  make_dead(20);
  OperationSpec spec;
  spec.queue = "q";
  spec.canary = 4;
  const std::string id = start(spec, false).id;
  const auto granted = bench.lease_all("q", 4);
  ASSERT_EQ(granted.size(), 4u);
  EXPECT_EQ(count(Status::failed), 16u);
  for (std::size_t i = 0; i < 3; ++i) bench.settle(granted[i], Outcome::complete);
  bench.restart();  // one of them is still active, and what became of three is on disk
  EXPECT_EQ(get(id).state, OperationView::State::running);
  EXPECT_EQ(count(Status::failed), 16u);
  bench.settle(granted[3], Outcome::complete);
  const OperationView view = await_state(id, OperationView::State::done);
  EXPECT_EQ(view.done, 20u);
  EXPECT_EQ(view.ended, 4u);
  EXPECT_EQ(view.failed, 0u);
  bench.expect_sound();
}

TEST_F(CarefulReplayTest, ACanaryThatFailsStopsIt) {
  bench.start();
  make_dead(20);
  OperationSpec spec;
  spec.queue = "q";
  spec.canary = 4;
  const std::string id = start(spec, false).id;
  settle_leased(3, 1);
  const OperationView view = await_state(id, OperationView::State::stopped);
  EXPECT_EQ(view.done, 4u);
  EXPECT_EQ(view.ended, 4u);
  EXPECT_EQ(view.failed, 1u);
  EXPECT_NE(view.finished_at, 0);
  EXPECT_EQ(count(Status::failed), 17u);
  bench.restart();
  EXPECT_EQ(get(id).state, OperationView::State::stopped);
}

TEST_F(CarefulReplayTest, StopsOnceTooManyOfThoseThatEndedFailed) {
  bench.start();
  make_dead(300);
  OperationSpec spec;
  spec.queue = "q";
  spec.stop_on_failure_rate = 0.25;
  const std::string id = start(spec, false).id;
  // No more than a window of them is under way.
  settle_leased(9, 3);
  while (get(id).ended < 12) std::this_thread::yield();
  EXPECT_EQ(get(id).state, OperationView::State::running);
  settle_leased(0, 1);
  const OperationView view = await_state(id, OperationView::State::stopped);
  EXPECT_EQ(view.failed, 4u);
  EXPECT_LT(view.done, 300u);
  bench.expect_sound();
}

TEST_F(CarefulReplayTest, WaitsWhilePausedAlsoAcrossARestart) {
  bench.start();
  make_dead(30);
  OperationSpec spec;
  spec.queue = "q";
  spec.per_second = 100;
  const std::string id = start(spec, false).id;
  const std::uint64_t done = pause(id, true).done;
  EXPECT_LT(done, 30u);
  bench.restart();
  EXPECT_EQ(get(id).state, OperationView::State::paused);
  EXPECT_EQ(get(id).done, done);
  EXPECT_EQ(pause(id, false).state, OperationView::State::running);
  EXPECT_EQ(await_state(id, OperationView::State::done).done, 30u);
  EXPECT_EQ(pause(id, true).state, OperationView::State::done);
}

}  // namespace
}  // namespace pawl::engine
