#include "client/src/backoff.h"

#include <gtest/gtest.h>

namespace pawl::client {
namespace {

using namespace std::chrono_literals;

TEST(RetryWaitsTest, GrowsFromHalfToWholeOfADoublingAndStopsAtTheCap) {
  RetryWaits waits(100ms, 1000ms, 7);
  for (const auto whole : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
    const auto wait = waits.next();
    EXPECT_GE(wait, whole / 2);
    EXPECT_LE(wait, whole);
  }
}

TEST(RetryWaitsTest, ASuccessStartsOver) {
  RetryWaits waits(100ms, 60s, 7);
  for (int i = 0; i < 100; ++i) (void)waits.next();
  EXPECT_GT(waits.next(), 20s);
  waits.reset();
  EXPECT_LE(waits.next(), 100ms);
}

TEST(RetryWaitsTest, TwoClientsDoNotComeBackInStep) {
  RetryWaits one(10s, 10s, 1);
  RetryWaits other(10s, 10s, 2);
  int same = 0;
  for (int i = 0; i < 20; ++i) same += one.next() == other.next() ? 1 : 0;
  EXPECT_LT(same, 3);
}

}  // namespace
}  // namespace pawl::client
