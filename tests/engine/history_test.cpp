// The charts' data: spreads that add up, seconds that become minutes, and what is there after a restart.
#include <algorithm>
#include <random>

#include "bench.h"
#include "broker/engine/history_book.h"

namespace pawl::engine {
namespace {

using core::Millis;
using core::QueueNumber;
using core::Status;

constexpr Millis start = 1'800'000'000'000;  // a whole minute

TEST(SpreadTest, BucketsFollowOneAnotherAndHoldWhatTheyShould) {
  for (std::size_t i = 0; i + 1 < spread_buckets; ++i) {
    ASSERT_LT(spread_floor(i), spread_floor(i + 1)) << i;
    ASSERT_EQ(spread_bucket(static_cast<std::uint64_t>(spread_floor(i))), i);
    ASSERT_EQ(spread_bucket(static_cast<std::uint64_t>(spread_floor(i + 1)) - 1), i);
  }
  EXPECT_EQ(spread_bucket(UINT64_MAX), spread_buckets - 1);
}

TEST(SpreadTest, APercentileOfTheSumIsThatOfAllValues) {
  std::mt19937 random(3);
  std::vector<double> all;
  Spread sum;
  for (int second = 0; second < 60; ++second) {
    LiveSpread live;
    // Each second has another scale: averages of its percentiles would be far off.
    std::exponential_distribution<double> wait(1.0 / (1 + 40.0 * (second % 7)));
    for (int i = 0; i < 200; ++i) {
      const double ms = std::floor(wait(random));
      live.add(ms / 1000);
      all.push_back(ms);
    }
    sum.add(Spread(live));
  }
  std::ranges::sort(all);
  EXPECT_EQ(sum.count(), all.size());
  for (const double q : {0.05, 0.5, 0.9, 0.95, 0.99}) {
    const double exact = all[static_cast<std::size_t>(q * static_cast<double>(all.size()))];
    EXPECT_NEAR(sum.quantile(q), exact, exact * 0.13 + 1) << q;
  }
  EXPECT_EQ(Spread().quantile(0.5), 0);
}

Traffic traffic(std::uint32_t queue, Millis at, std::uint64_t submitted, double wait_ms = 5) {
  Traffic made{QueueNumber{queue}, {}};
  made.point.at = at;
  made.point.submitted = submitted;
  made.point.started = 1;
  LiveSpread wait;
  wait.add(wait_ms / 1000);
  made.point.wait = Spread(wait);
  return made;
}

Depth pending(std::uint64_t count) {
  Depth depth{};
  depth[static_cast<std::size_t>(Status::pending)] = count;
  return depth;
}

/// A book and what it wrote. Forgetting the book is a crash.
class Shelf {
 public:
  Shelf() : bench_(), partition_(std::move(*bench_.store().acquire(0))) {}
  HistoryBook book;

  void write() {
    storage::Batch batch;
    for (const auto& [key, row] : book.unwritten()) {
      std::string value;
      encode_history(row, value);
      const Decoded<HistoryRow> back = decode_history(key, value);
      ASSERT_TRUE(back);
      EXPECT_EQ(back->point.wait.parts(), row.point.wait.parts());
      batch.put(family::history, key, value);
      ++rows;
    }
    partition_->commit(batch, [](storage::Outcome) {});
    book.written();
  }
  void crash(Millis wall) {
    book = {};
    ASSERT_TRUE(book.recover(*partition_->snapshot(), wall));
  }
  HistorySeries read(std::uint32_t queue, Millis from, Millis to, Millis step,
                     const std::vector<Traffic>& open = {}, Depth now = {}) {
    auto series = book.read(*partition_->snapshot(), QueueNumber{queue}, {"", from, to, step}, to, open, now);
    EXPECT_TRUE(series);
    return series ? *series : HistorySeries{};
  }
  std::size_t rows = 0;

 private:
  Bench bench_;
  std::unique_ptr<storage::Partition> partition_;
};

TEST(HistoryBookTest, SecondsAddUpToAllQueuesAndToMinutes) {
  Shelf shelf;
  for (int i = 0; i < 90; ++i) {
    const Millis at = start + i * second_ms;
    std::vector<Traffic> seconds{traffic(1, at, 2)};
    if (i % 10 == 0) seconds.push_back(traffic(2, at, 5));
    if (i == 7) seconds.push_back(traffic(0, at, 100));  // a queue without a series
    shelf.book.close(at + second_ms, seconds,
                     {{0, pending(50)}, {1, pending(static_cast<std::uint64_t>(i))}, {2, pending(1)}});
    if (i % 5 == 4) shelf.write();
  }
  const HistorySeries all = shelf.read(0, start, start + minute_ms, minute_ms);
  ASSERT_EQ(all.points.size(), 1u);
  EXPECT_EQ(all.points[0].submitted, 60u * 2 + 6 * 5 + 100);
  EXPECT_EQ(all.points[0].wait.count(), 60u + 6 + 1);
  EXPECT_EQ(all.points[0].depth, pending(50));
  const HistorySeries two = shelf.read(2, start, start + 90 * second_ms, second_ms);
  ASSERT_EQ(two.points.size(), 9u) << "seconds without traffic are no rows";
  EXPECT_EQ(two.points[1].at, start + 10 * second_ms);
  const HistorySeries half = shelf.read(1, start, start + 90 * second_ms, 30 * second_ms);
  ASSERT_EQ(half.points.size(), 3u);
  EXPECT_EQ(half.points[2].submitted, 60u);
  EXPECT_EQ(half.points[2].depth, pending(89)) << "the depth at the end of the span";
  EXPECT_EQ(shelf.read(1, start + 60 * second_ms, start + 90 * second_ms, second_ms).before, pending(59));
  // The minute that is not over is there too.
  const HistorySeries minutes = shelf.read(1, start, start + 2 * minute_ms, minute_ms);
  ASSERT_EQ(minutes.points.size(), 2u);
  EXPECT_EQ(minutes.points[1].submitted, 60u);
}

TEST(HistoryBookTest, ACrashAtAnySecondLosesWhatWasNotWrittenAndNothingElse) {
  for (int crash_at = 1; crash_at < 150; crash_at += 7) {
    Shelf shelf;
    std::uint64_t written = 0;
    std::uint64_t since = 0;
    for (int i = 0; i < 200; ++i) {
      const Millis at = start + i * second_ms;
      shelf.book.close(at + second_ms, {traffic(1, at, 3)}, {{0, pending(1)}, {1, pending(1)}});
      since += 3;
      if (i % 5 == 4) {
        shelf.write();
        written += std::exchange(since, 0);
      }
      if (i == crash_at) {
        shelf.crash(at + second_ms);
        since = 0;
      }
    }
    std::uint64_t minutes = 0;
    for (const auto& point : shelf.read(1, start, start + 5 * minute_ms, minute_ms).points)
      minutes += point.submitted;
    std::uint64_t seconds = 0;
    for (const auto& point : shelf.read(1, start, start + 5 * minute_ms, second_ms).points)
      seconds += point.submitted;
    EXPECT_EQ(seconds, written) << crash_at;
    EXPECT_EQ(minutes, written) << crash_at;
  }
}

TEST(HistoryBookTest, MinutesAreMadeAfterARestartThatCameMuchLater) {
  Shelf shelf;
  shelf.book.close(start + 2 * second_ms, {traffic(1, start + second_ms, 4)},
                   {{0, pending(4)}, {1, pending(4)}});
  shelf.write();
  const Millis later = start + 30 * minute_ms;
  shelf.crash(later);
  EXPECT_EQ(shelf.book.minute_ends(), start + minute_ms) << "long ago: it is closed at the next look";
  shelf.book.close(later, {}, {{0, pending(4)}, {1, pending(4)}});
  EXPECT_EQ(shelf.book.minute_ends(), core::never);
  shelf.write();
  const HistorySeries minutes = shelf.read(1, start, later, minute_ms);
  ASSERT_EQ(minutes.points.size(), 1u);
  EXPECT_EQ(minutes.points[0].submitted, 4u);
}

TEST(HistoryBookTest, DepthIsWatchedWithoutTrafficAndAnIdleQueueWritesNothing) {
  Shelf shelf;
  shelf.book.close(start + second_ms, {traffic(1, start, 1)}, {{0, pending(1)}, {1, pending(1)}});
  shelf.book.close(start + minute_ms, {}, {{0, pending(1)}, {1, pending(1)}});
  shelf.write();
  const std::size_t rows = shelf.rows;
  for (int i = 0; i < 1000; ++i)
    shelf.book.close(start + minute_ms + i * second_ms, {}, {{0, pending(1)}, {1, pending(1)}});
  EXPECT_TRUE(shelf.book.unwritten().empty());
  EXPECT_EQ(shelf.rows, rows);
  EXPECT_EQ(shelf.book.minute_ends(), core::never);
  // A purge moves no job that the meters hear of. The queue itself goes later.
  shelf.book.close(start + 30 * minute_ms, {}, {{0, pending(0)}});
  const HistorySeries series = shelf.read(1, start, start + 40 * minute_ms, second_ms);
  ASSERT_EQ(series.points.size(), 2u);
  EXPECT_EQ(series.points[1].depth, Depth{});
}

TEST(HistoryBookTest, ASecondThatIsLookedAtAgainKeepsItsTraffic) {
  for (const bool restarts : {false, true}) {
    for (const int last : {3, 59}) {  // in a minute, and at its end
      Shelf shelf;
      const auto look = [&](Millis before, const std::vector<Traffic>& traffic, std::uint64_t depth) {
        shelf.book.close(before, traffic, {{0, pending(depth)}, {1, pending(depth)}});
        shelf.write();
        if (restarts) shelf.crash(before);
      };
      const Millis at = start + last * second_ms;
      look(at + second_ms, {traffic(1, at, 3)}, 3);
      look(at + second_ms, {}, 2);  // only the depth changed
      look(at + 2 * second_ms, {traffic(1, at + second_ms, 4)}, 6);
      look(start + 3 * minute_ms, {}, 6);
      for (const std::uint32_t queue : {0u, 1u}) {
        const HistorySeries seconds = shelf.read(queue, start, start + 3 * minute_ms, second_ms);
        ASSERT_EQ(seconds.points.size(), 2u) << last;
        EXPECT_EQ(seconds.points[0].submitted, 3u);
        EXPECT_EQ(seconds.points[0].wait.count(), 1u);
        EXPECT_EQ(seconds.points[0].depth, pending(2));
        EXPECT_EQ(seconds.points[1].submitted, 4u);
        std::uint64_t minutes = 0;
        for (const HistoryPoint& minute : shelf.read(queue, start, start + 3 * minute_ms, minute_ms).points)
          minutes += minute.submitted;
        EXPECT_EQ(minutes, 7u) << last;
      }
    }
  }
}

TEST(HistoryBookTest, AStopAndAStartWithinOneSecondLoseNothingOfIt) {
  for (const int last : {3, 59}) {
    Shelf shelf;
    const Millis at = start + last * second_ms;
    // The stop tells of the second that is not over.
    shelf.book.close(at, {traffic(1, at, 3)}, {{0, pending(3)}, {1, pending(3)}});
    shelf.write();
    shelf.crash(at);
    shelf.book.close(at, {}, {{0, pending(5)}, {1, pending(5)}});  // the next one is under way already
    shelf.book.close(at + second_ms, {traffic(1, at, 2)}, {{0, pending(5)}, {1, pending(5)}});
    shelf.book.close(at + minute_ms, {}, {{0, pending(5)}, {1, pending(5)}});
    shelf.write();
    for (const Millis step : {second_ms, minute_ms}) {
      const HistorySeries series = shelf.read(1, start, start + 2 * minute_ms, step);
      ASSERT_EQ(series.points.size(), 1u) << step;
      EXPECT_EQ(series.points[0].submitted, 5u) << step;
      EXPECT_EQ(series.points[0].depth, pending(5)) << step;
    }
  }
}

TEST(HistoryBookTest, OldRowsAreAbsentAndTheSecondUnderWayIsThere) {
  Shelf shelf;
  shelf.book.close(start + second_ms, {traffic(1, start, 1)}, {{0, pending(1)}, {1, pending(1)}});
  shelf.book.close(start + minute_ms, {}, {{0, pending(1)}, {1, pending(1)}});
  shelf.write();
  const Millis later = start + 2 * seconds_kept_ms;
  EXPECT_TRUE(shelf.read(1, start, later, second_ms).points.empty());
  EXPECT_EQ(shelf.read(1, start, later, minute_ms).points.size(), 1u);
  EXPECT_TRUE(shelf.read(1, start, start + 2 * minutes_kept_ms, minute_ms).points.empty());
  EXPECT_EQ(shelf.read(1, later - minute_ms, later, second_ms).before, pending(1)) << "by its minute";
  const HistorySeries open = shelf.read(1, later, later + minute_ms, second_ms,
                                        {traffic(1, later, 9), traffic(2, later, 70)}, pending(10));
  ASSERT_EQ(open.points.size(), 1u);
  EXPECT_EQ(open.points[0].submitted, 9u);
  EXPECT_EQ(open.points[0].depth, pending(10));
}

TEST(CodecTest, GoldenBytesOfAPointOfTheHistory) {
  HistoryRow row{HistoryRow::second, QueueNumber{2}, traffic(2, 1'000'000, 300, 20).point};
  row.point.depth = pending(7);
  std::string value;
  encode_history(row, value);
  std::string hex;
  for (const char c : value) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[static_cast<std::uint8_t>(c) >> 4];
    hex += digits[static_cast<std::uint8_t>(c) & 15];
  }
  EXPECT_EQ(hex,
            "00000000"
            "00471b20"
            "01"
            "ac02"
            "01000000"
            "0700000000000000"
            "011201"
            "00");
  const Key<13> key = history_key('s', QueueNumber{2}, 1'000'000);
  for (std::size_t i = 0; i < value.size(); ++i) {
    EXPECT_FALSE(decode_history(key, value.substr(0, i)));
    std::string wrong = value;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x80);
    (void)decode_history(key, wrong);
  }
  EXPECT_FALSE(decode_history(key, value + '\0'));
}

std::expected<HistorySeries, ListError> history_of(Bench& bench, HistoryQuery query) {
  std::expected<HistorySeries, ListError> series;
  bench.await([&](auto done) {
    bench.engine().history().read(std::move(query), [&series, done](auto answer) {
      series = std::move(answer);
      done();
    });
  });
  return series;
}

TEST(HistoryTest, IsThereAfterARestartAndCostsNoSyncOfItsOwnForEachSecond) {
  Bench bench("history");
  std::atomic<Millis> wall{start};
  EngineOptions options;
  options.clock.wall = [&] { return wall.load(); };
  bench.start(options);
  bench.submit(Bench::job("q"));
  wall += 40;
  const auto granted = bench.lease("q");
  wall += 1500;
  bench.complete(granted.at(0));
  wall += 3000;
  const HistoryQuery query{"q", start, start + minute_ms, second_ms};
  const auto check = [&](const char* when) {
    const auto series = history_of(bench, query);
    ASSERT_TRUE(series) << when;
    ASSERT_EQ(series->points.size(), 2u) << when;
    EXPECT_EQ(series->points[0].submitted, 1u) << when;
    EXPECT_EQ(series->points[0].started, 1u) << when;
    EXPECT_NEAR(series->points[0].wait.quantile(0.5), 40, 4) << when;
    EXPECT_EQ(series->points[1].completed, 1u) << when;
    EXPECT_NEAR(series->points[1].run.quantile(0.5), 1500, 150) << when;
    EXPECT_EQ(series->points[1].depth[static_cast<std::size_t>(Status::completed)], 1u) << when;
  };
  check("before");
  bench.restart(options);
  check("after a restart");
  const auto all = history_of(bench, {"", start, start + minute_ms, minute_ms});
  ASSERT_TRUE(all);
  ASSERT_EQ(all->points.size(), 1u);
  EXPECT_EQ(all->points[0].completed, 1u);
  const auto unknown = history_of(bench, {"nobody", start, start + minute_ms, second_ms});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error(), ListError::unknown_queue);
  bench.expect_sound();
}

TEST(MetersTest, ManyQueuesShareWhatIsLeft) {
  Meters meters;
  std::vector<Meters::Sample> samples;
  for (std::uint32_t i = 0; i < Meters::series_max + 50; ++i) {
    Meters::Sample sample;
    sample.queue = "q" + std::to_string(i);
    sample.number = QueueNumber{i + 1};
    sample.submitted = true;
    sample.at = start;
    samples.push_back(sample);
  }
  meters.collect([] {});
  meters.add(samples);
  EXPECT_EQ(meters.moving().size(), Meters::series_max);
  EXPECT_EQ(meters.sum_since("", 0).submitted, samples.size());
  std::vector<Traffic> taken = meters.take(start + second_ms);
  EXPECT_EQ(taken.size(), Meters::series_max + 1);
  std::uint64_t shared = 0;
  for (const Traffic& one : taken) shared += one.queue == QueueNumber{} ? one.point.submitted : 0;
  EXPECT_EQ(shared, 50u);
  EXPECT_TRUE(meters.take(start + 2 * second_ms).empty());
  // An hour later a new queue gets the place of a quiet one.
  for (Meters::Sample& sample : samples) sample.at = start + 2 * seconds_kept_ms;
  samples.erase(samples.begin(), samples.begin() + Meters::series_max);
  meters.add(samples);
  EXPECT_EQ(meters.moving().size(), 50u);
}

}  // namespace
}  // namespace pawl::engine
