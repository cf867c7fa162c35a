#include "broker/engine/operation_pace.h"

#include <gtest/gtest.h>

namespace pawl::engine {
namespace {

using std::chrono::milliseconds;
using Instant = OperationPace::Instant;

constexpr Instant began{};
constexpr std::size_t any = 1'000;

TEST(OperationPaceTest, WithoutAPaceItTakesWhatItIsAsked) {
  OperationPace pace(0, began, true);
  pace.did(began, 500);
  EXPECT_EQ(pace.allowance(began, any), any);
  EXPECT_LE(pace.next(), began);
}

TEST(OperationPaceTest, NeverMoreInAnySecondAlsoWhenItStoodStill) {
  OperationPace pace(10, began, false);
  const Instant later = began + milliseconds(60'000);
  EXPECT_EQ(pace.allowance(later, any), 10U);
  pace.did(later, 10);
  EXPECT_EQ(pace.allowance(later + milliseconds(999), any), 0U);
  EXPECT_EQ(pace.next(), later + milliseconds(1'001));
  EXPECT_EQ(pace.allowance(later + milliseconds(1'001), any), 10U);
}

TEST(OperationPaceTest, AtTheStartThereIsOneAndThenOneAtATime) {
  OperationPace pace(10, began, false);
  EXPECT_EQ(pace.allowance(began, any), 1U);
  pace.did(began, 1);
  EXPECT_EQ(pace.allowance(began + milliseconds(50), any), 0U);
  EXPECT_EQ(pace.allowance(pace.next(), any), 1U);
}

TEST(OperationPaceTest, WhatWasDoneBeforeARestartCountsAsIfItWereNow) {
  OperationPace pace(10, began, true);
  EXPECT_EQ(pace.allowance(began + milliseconds(999), any), 0U);
  EXPECT_EQ(pace.allowance(began + milliseconds(1'000), any), 10U);
}

TEST(OperationPaceTest, BelowOneASecondItIsOneInThatTime) {
  OperationPace pace(0.25, began, false);
  EXPECT_EQ(pace.allowance(began, any), 1U);
  pace.did(began, 1);
  EXPECT_EQ(pace.allowance(began + milliseconds(3'999), any), 0U);
  EXPECT_EQ(pace.allowance(began + milliseconds(4'001), any), 1U);
}

}  // namespace
}  // namespace pawl::engine
