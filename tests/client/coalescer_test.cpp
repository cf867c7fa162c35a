#include "client/src/coalescer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <semaphore>
#include <thread>

#include "client/src/problem.h"

namespace pawl::client {
namespace {

using Bodies = std::vector<const std::string*>;

Enqueued named(const std::string& body) {
  Enqueued out;
  out.job_id = "id of " + body;
  return out;
}

Error refusal(std::vector<std::string> pointers, int status = 422) {
  Error error = read_problem({}, status);
  for (auto& pointer : pointers) error.errors.push_back({std::move(pointer), "is wrong"});
  return error;
}

using Send = std::function<Coalescer::Answers(const std::vector<std::string>& bodies)>;

// A call that is over when it has begun.
Coalescer::Begin at_once(Send send) {
  return [send = std::move(send)](const std::vector<std::string>& bodies) -> Coalescer::Finish {
    return [answers = send(bodies)] { return answers; };
  };
}

TEST(CoalescerTest, AnIdleClientSendsAtOnceAndAlone) {
  std::vector<std::size_t> sizes;
  Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                        sizes.push_back(bodies.size());
                        return std::vector<Coalescer::Answer>(bodies.size(), named(bodies.front()));
                      }),
                      {});
  EXPECT_EQ(coalescer.submit("a")->job_id, "id of a");
  EXPECT_EQ(coalescer.submit("b")->job_id, "id of b");
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 1}));
}

TEST(CoalescerTest, WhoeverDoesNotWaitIsAnsweredInOrderAndMaySubmitAgain) {
  std::vector<std::string> sent;
  std::vector<std::string> answered;
  {
    Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                          std::vector<Coalescer::Answer> answers;
                          for (const std::string& body : bodies) {
                            sent.push_back(body);
                            answers.emplace_back(named(body));
                          }
                          return answers;
                        }),
                        {.jobs = 3});
    for (int i = 0; i < 100; ++i) {
      coalescer.submit_async(std::to_string(i), [&, i](const Coalescer::Answer& answer) {
        answered.push_back(answer->job_id);
        if (i == 99) {
          coalescer.submit_async("again",
                                 [&](const Coalescer::Answer& last) { answered.push_back(last->job_id); });
        }
      });
    }
  }  // the destructor waits for the answers
  ASSERT_EQ(answered.size(), 101u);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(sent[i], std::to_string(i));
    EXPECT_EQ(answered[i], "id of " + sent[i]);
  }
  EXPECT_EQ(answered.back(), "id of again");
}

TEST(CoalescerTest, CallersThatWaitAndCallersThatDoNotShareTheLine) {
  std::atomic<int> answers = 0;
  {
    Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                          std::vector<Coalescer::Answer> out;
                          for (const std::string& body : bodies) out.emplace_back(named(body));
                          return out;
                        }),
                        {.jobs = 5});
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          const std::string body = std::to_string(t) + "." + std::to_string(i);
          coalescer.submit_async(body, [&, body](const Coalescer::Answer& answer) {
            if (answer && answer->job_id == "id of " + body) ++answers;
          });
          if (const auto answer = coalescer.submit(body); answer && answer->job_id == "id of " + body)
            ++answers;
        }
      });
    }
  }
  EXPECT_EQ(answers, 1600);
}

// While the first call is held, `others` pile up; each then gets the answer to its own body.
void pile_up(int others, Coalescer::Limits limits, std::vector<std::size_t>& sizes) {
  std::counting_semaphore<> first_is_under_way(0);
  std::counting_semaphore<> let_first_go(0);
  Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                        if (sizes.empty()) {
                          first_is_under_way.release();
                          let_first_go.acquire();
                        }
                        sizes.push_back(bodies.size());
                        std::vector<Coalescer::Answer> answers;
                        for (const std::string& body : bodies) answers.emplace_back(named(body));
                        return answers;
                      }),
                      limits);
  std::thread first([&] { EXPECT_EQ(coalescer.submit("first")->job_id, "id of first"); });
  first_is_under_way.acquire();
  std::vector<std::jthread> threads;
  for (int i = 0; i < others; ++i) {
    threads.emplace_back([&coalescer, i] {
      const std::string body = std::to_string(i);
      EXPECT_EQ(coalescer.submit(body)->job_id, "id of " + body);
    });
  }
  while (coalescer.waiting() < static_cast<std::size_t>(others)) std::this_thread::yield();
  let_first_go.release();
  first.join();
}

TEST(CoalescerTest, WhatComesDuringACallTravelsTogether) {
  std::vector<std::size_t> sizes;
  pile_up(40, {}, sizes);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 40}));
}

TEST(CoalescerTest, ALongLineIsCutAndTheLeadGoesOn) {
  std::vector<std::size_t> sizes;
  pile_up(40, {.jobs = 16, .bytes = 1'000}, sizes);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 16, 16, 8}));
}

TEST(CoalescerTest, AFailedCallFailsEveryJobInItAndNoOther) {
  std::atomic<int> calls = 0;
  Coalescer coalescer(at_once([&](const std::vector<std::string>&) -> std::vector<Coalescer::Answer> {
                        if (++calls == 1) throw std::runtime_error("the wire is cut");
                        return {named("later")};
                      }),
                      {});
  const auto failed = coalescer.submit("a");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::connection);
  EXPECT_TRUE(coalescer.submit("b"));
}

// The calls of a client that does not wait: what was in each, and how many were under way when it began.
struct Begun {
  std::vector<std::string> bodies;
  std::size_t beside;
};

TEST(CoalescerTest, ALongLineOfThoseWhoDoNotWaitIsHalvedAndTwoCallsAreUnderWay) {
  constexpr std::size_t lanes = 64;
  constexpr std::size_t jobs = 2'000;
  std::vector<Begun> begun;
  std::size_t under_way = 0;
  std::vector<std::size_t> finished;  // calls, in order
  std::counting_semaphore<> line_is_full(0);
  std::size_t next = 0;
  std::function<void()> submit;
  {
    Coalescer coalescer(
        [&](std::vector<std::string> bodies) -> Coalescer::Finish {
          if (begun.empty()) line_is_full.acquire();
          begun.push_back({bodies, under_way++});
          return [&, call = begun.size() - 1, bodies = std::move(bodies)] {
            --under_way;
            finished.push_back(call);
            Coalescer::Answers answers;
            for (const std::string& body : bodies) answers.emplace_back(named(body));
            return answers;
          };
        },
        {});
    submit = [&] {
      if (next == jobs) return;
      const std::string body = std::to_string(next++);
      coalescer.submit_async(body, [&, body](const Coalescer::Answer& answer) {
        EXPECT_EQ(answer->job_id, "id of " + body);
        submit();
      });
    };
    for (std::size_t lane = 0; lane < lanes; ++lane) submit();
    line_is_full.release();
  }
  std::size_t number = 0;
  for (const Begun& call : begun) {
    EXPECT_LE(call.beside, 1u);
    for (const std::string& body : call.bodies) EXPECT_EQ(body, std::to_string(number++));
  }
  EXPECT_EQ(number, jobs);
  EXPECT_TRUE(std::ranges::is_sorted(finished));
  // All but the first and the last find another one under way, and no call is much smaller than it.
  const auto beside = std::ranges::count(begun, 1u, &Begun::beside);
  EXPECT_GE(static_cast<std::size_t>(beside) + 4, begun.size());
  EXPECT_LE(begun.size(), jobs / (lanes / 4));
}

TEST(CoalescerTest, AShortLineTravelsInOneCall) {
  std::vector<std::size_t> sizes;
  std::counting_semaphore<> line_is_full(0);
  {
    Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                          if (sizes.empty()) line_is_full.acquire();
                          sizes.push_back(bodies.size());
                          return Coalescer::Answers(bodies.size(), named(bodies.front()));
                        }),
                        {});
    coalescer.submit_async("first", [](const Coalescer::Answer&) {});
    while (coalescer.waiting() > 0) std::this_thread::yield();
    for (int i = 0; i < 7; ++i) coalescer.submit_async("more", [](const Coalescer::Answer&) {});
    line_is_full.release();
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 7}));
}

TEST(CoalescerTest, ManyThreadsEachKeepTheirOwnAnswer) {
  std::atomic<std::size_t> sent = 0;
  Coalescer coalescer(at_once([&](const std::vector<std::string>& bodies) {
                        sent += bodies.size();
                        std::vector<Coalescer::Answer> answers;
                        for (const std::string& body : bodies) answers.emplace_back(named(body));
                        return answers;
                      }),
                      {.jobs = 5, .bytes = 1'000});
  {
    std::latch start(16);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 16; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < 200; ++i) {
          const std::string body = std::to_string(t) + "/" + std::to_string(i);
          ASSERT_EQ(coalescer.submit(body)->job_id, "id of " + body);
        }
      });
    }
  }
  EXPECT_EQ(sent, 3'200u);
}

// A broker that refuses batches in which a body is "bad", pointing at it or not.
struct FakePost {
  bool points = true;
  std::vector<std::size_t> sizes = {};

  Result<std::vector<Enqueued>> operator()(const Bodies& bodies) {
    sizes.push_back(bodies.size());
    std::vector<std::string> pointers;
    std::vector<Enqueued> answers;
    bool refused = false;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      answers.push_back(named(*bodies[i]));
      if (*bodies[i] != "bad") continue;
      refused = true;
      if (points) pointers.push_back(bodies.size() == 1 ? "/queue" : "/jobs/" + std::to_string(i) + "/queue");
    }
    if (refused) return std::unexpected(refusal(pointers));
    return answers;
  }
};

TEST(IsolationTest, OnlyTheJobThatTheErrorsPointAtIsRefused) {
  FakePost post;
  const auto answers = submit_isolating({"a", "bad", "c", "bad"}, std::ref(post));
  EXPECT_EQ(answers[0]->job_id, "id of a");
  EXPECT_EQ(answers[2]->job_id, "id of c");
  for (const std::size_t wrong : {1u, 3u}) {
    ASSERT_FALSE(answers[wrong]);
    ASSERT_EQ(answers[wrong].error().errors.size(), 1u);
    EXPECT_EQ(answers[wrong].error().errors[0].pointer, "/queue");
  }
  EXPECT_EQ(post.sizes, (std::vector<std::size_t>{4, 2}));
}

TEST(IsolationTest, WithoutPointersTheBatchIsHalvedUntilTheWrongJobIsAlone) {
  FakePost post{.points = false};
  const auto answers = submit_isolating({"a", "b", "bad", "d"}, std::ref(post));
  for (const std::size_t good : {0u, 1u, 3u}) EXPECT_TRUE(answers[good]);
  ASSERT_FALSE(answers[2]);
  EXPECT_EQ(answers[2].error().kind, ErrorKind::invalid);
}

TEST(IsolationTest, AFailureThatIsNotOfTheContentIsEverybodys) {
  int calls = 0;
  const auto answers = submit_isolating({"a", "b"}, [&](const Bodies&) -> Result<std::vector<Enqueued>> {
    ++calls;
    return std::unexpected(refusal({}, 507));
  });
  EXPECT_EQ(calls, 1);
  for (const auto& answer : answers) EXPECT_EQ(answer.error().kind, ErrorKind::storage_full);
}

TEST(IsolationTest, ABatchThatIsTooLargeIsHalved) {
  std::vector<std::size_t> sizes;
  const auto answers =
      submit_isolating({"a", "b", "c", "d"}, [&](const Bodies& bodies) -> Result<std::vector<Enqueued>> {
        sizes.push_back(bodies.size());
        if (bodies.size() > 2) return std::unexpected(refusal({}, 413));
        return std::vector<Enqueued>(bodies.size());
      });
  for (const auto& answer : answers) EXPECT_TRUE(answer);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 2, 2}));
}

}  // namespace
}  // namespace pawl::client
