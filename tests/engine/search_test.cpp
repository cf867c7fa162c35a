// Searching: the index never rules out a match, and every qualifier finds what a look at all jobs finds.
#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "bench.h"
#include "broker/engine/codec.h"
#include "broker/engine/search_index.h"

namespace pawl::engine {
namespace {

using core::Job;
using core::JobId;
using core::QueueNumber;
using core::Status;

JobId numbered(std::uint64_t n) {
  return JobId::from_words(n << 16 | 0x7000, 0x8000000000000000ull | 1ull << 38);
}

Job some_job(std::mt19937& random, std::uint64_t n) {
  Job job;
  job.id = numbered(n);
  job.name = "n" + std::to_string(random() % 3);
  if (random() % 50 == 0) job.tags.push_back("rare" + std::to_string(random() % 5));
  job.tags.push_back("t" + std::to_string(n));
  job.attempts_made = random() % 200 == 0 ? 7 : 1;
  return job;
}

/// Ids that the index leaves, walked as a list does.
std::vector<IdRange> left_by(const SearchIndex& index, const SearchProbe& probe, bool newest_first) {
  std::vector<IdRange> left;
  IdRange range{JobId::from_words(0, 0), JobId::from_words(UINT64_MAX, UINT64_MAX)};
  std::uint64_t skipped = 0;
  while (true) {
    const auto next = index.next(QueueNumber{1}, probe, range, newest_first, skipped);
    if (!next) return left;
    EXPECT_LE(next->first, next->last);
    left.push_back(*next);
    if (newest_first) {
      if (next->first <= range.first) return left;
      range.last = next->first;
      for (std::size_t i = 16; i-- > 0;) {
        if (range.last.bytes[i]-- != 0) break;
      }
    } else {
      const auto after = id_after(next->last);
      if (!after || range.last < *after) return left;
      range.first = *after;
    }
  }
}

TEST(SearchIndexTest, NeverRulesOutAMatchInEitherDirectionWhileItIsBuiltAndAfter) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    SearchIndex index;
    index.arm();
    std::vector<Job> jobs;
    for (std::uint64_t n = 1; n <= 6000; ++n) jobs.push_back(some_job(random, n * 3));
    std::size_t built = 0;
    const auto look = [&] {
      for (const std::string& tag : {std::string("rare1"), "t" + std::to_string(3 * (1 + random() % 6000))}) {
        for (const bool newest_first : {true, false}) {
          JobFilter filter;
          filter.tag = tag;
          if (random() % 2 == 0) filter.attempts_min = 2;
          const std::vector<IdRange> left = left_by(index, SearchProbe::of(filter), newest_first);
          for (const Job& job : jobs) {
            if (std::ranges::find(job.tags, tag) == job.tags.end()) continue;
            if (job.attempts_made < filter.attempts_min) continue;
            ASSERT_TRUE(std::ranges::any_of(
                left, [&](const IdRange& range) { return range.first <= job.id && job.id <= range.last; }))
                << seed << " " << tag << " " << built;
          }
        }
      }
    };
    while (built < jobs.size()) {
      // Jobs anywhere change, and new ones come, while the index is built from older snapshots.
      SearchNotes changed;
      for (int i = 0; i < 20; ++i) {
        Job& job = jobs[random() % jobs.size()];
        job.tags.push_back("rare" + std::to_string(random() % 5));
        job.attempts_made = static_cast<std::uint32_t>(random() % 9);
        changed.add(job, nullptr, {});
      }
      const std::size_t to = std::min(jobs.size(), built + 1 + random() % 900);
      SearchNotes slice;
      for (std::size_t i = built; i < to; ++i) slice.add(jobs[i], nullptr, {});
      index.note(changed);
      index.build(QueueNumber{1}, slice, {jobs[to - 1].id, to == jobs.size(), 0});
      built = to;
      look();
    }
    SearchNotes fresh;
    for (std::uint64_t n = 6001; n <= 6600; ++n) {
      jobs.push_back(some_job(random, n * 3));
      fresh.add(jobs.back(), nullptr, {});
    }
    index.note(fresh);
    look();
    JobFilter nowhere;
    nowhere.tag = "never";
    EXPECT_LE(left_by(index, SearchProbe::of(nowhere), true).size(), 1u) << "next to everything is ruled out";
  }
}

TEST(SearchIndexTest, AQueueThatWasResetMeanwhileIsNotBuiltFromAnOldLook) {
  SearchIndex index;
  index.arm();
  std::mt19937 random(1);
  SearchNotes notes;
  notes.add(some_job(random, 3), nullptr, {});
  const SearchIndex::Progress before = index.progress(QueueNumber{1});
  index.reset(QueueNumber{1});
  index.build(QueueNumber{1}, notes, {numbered(3), true, before.resets});
  EXPECT_FALSE(index.progress(QueueNumber{1}).complete);
  index.build(QueueNumber{1}, notes, {numbered(3), true, index.progress(QueueNumber{1}).resets});
  EXPECT_TRUE(index.progress(QueueNumber{1}).complete);
}

std::set<std::string> ids_of(const std::vector<core::JobView>& jobs) {
  std::set<std::string> ids;
  for (const core::JobView& view : jobs) ids.insert(uuid_text(view.job.id));
  return ids;
}

/// All pages, as a client reads them.
std::vector<core::JobView> all_pages(Bench& bench, const JobFilter& filter, std::size_t limit = 100) {
  std::vector<core::JobView> all;
  std::string cursor;
  for (int page = 0; page < 1000; ++page) {
    auto answer = bench.list(filter, limit, cursor);
    EXPECT_TRUE(answer);
    if (!answer) return all;
    EXPECT_LE(answer->scanned, answer->of);
    std::ranges::move(answer->jobs, std::back_inserter(all));
    if (!answer->next_cursor) return all;
    cursor = *answer->next_cursor;
  }
  ADD_FAILURE() << "a list that does not end";
  return all;
}

Suggestions suggest(Bench& bench, SuggestField field, const std::string& prefix = "",
                    std::size_t limit = 50) {
  std::expected<Suggestions, ListError> found;
  bench.await([&](auto done) {
    bench.engine().lists().suggest(field, prefix, limit, [&found, done](auto answer) {
      found = std::move(answer);
      done();
    });
  });
  EXPECT_TRUE(found);
  return found ? *found : Suggestions{};
}

void await_index(Bench& bench) {
  while (!suggest(bench, SuggestField::name).complete) {
  }
}

class SearchTest : public testing::Test {
 protected:
  SearchTest() { bench.start(); }

  core::NewJob random_job() {
    core::NewJob job = Bench::job(random() % 3 == 0 ? "a" : "b",
                                  R"({"user":{"id":)" + std::to_string(random() % 100) + "}}");
    job.name = "n" + std::to_string(random() % 4);
    job.priority = static_cast<int>(random() % 3) - 1;
    if (random() % 10 == 0) job.group = "g" + std::to_string(random() % 3);
    if (random() % 40 == 0) job.tags = {"t" + std::to_string(random() % 4), "x"};
    if (random() % 7 == 0) job.delay_ms = 3'600'000;
    job.max_attempts = 2;
    return job;
  }
  void submit_some(std::size_t count) {
    core::Submit submit;
    for (std::size_t i = 0; i < count; ++i) submit.jobs.push_back(random_job());
    for (const auto& item : bench.ask<core::Submitted>(std::move(submit)).jobs) ids.push_back(item.id);
  }
  void work_some(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string worker = "w" + std::to_string(random() % 3);
      auto granted =
          bench.ask<core::Granted>(core::Lease{random() % 2 == 0 ? "a" : "b", worker, 4, 0, {}}).jobs;
      for (const core::GrantedJob& job : granted) {
        switch (random() % 4) {
          case 0:
            bench.complete(job);
            break;
          case 1:
            bench.settle(job, core::Settlement::Outcome::fail, true, "e" + std::to_string(random() % 3));
            break;
          case 2:
            bench.settle(job, core::Settlement::Outcome::fail, false, "again");
            break;
          default:
            break;  // stays active
        }
      }
      bench.basket->take(bench.post(core::Cancel{ids[random() % ids.size()]}));  // refused when it has ended
    }
  }

  /// Each qualifier against a look at every job.
  void compare(const char* when) {
    const std::vector<core::JobView> everything = all_pages(bench, {}, 1000);
    const core::Millis middle = everything[everything.size() / 2].job.created_at;
    const JobId some = everything[random() % everything.size()].job.id;
    struct Row {
      const char* what;
      std::function<void(JobFilter&)> ask;
      std::function<bool(const core::JobView&)> is;
    };
    const std::vector<Row> rows{
        {"name", [](JobFilter& f) { f.name = "n1"; }, [](const auto& v) { return v.job.name == "n1"; }},
        {"group", [](JobFilter& f) { f.group = "g2"; }, [](const auto& v) { return v.job.group == "g2"; }},
        {"tag", [](JobFilter& f) { f.tag = "t3"; },
         [](const auto& v) { return std::ranges::find(v.job.tags, "t3") != v.job.tags.end(); }},
        {"error", [](JobFilter& f) { f.error_type = "e1"; },
         [](const auto& v) { return !v.job.errors.empty() && v.job.errors.back().type == "e1"; }},
        {"worker", [](JobFilter& f) { f.worker = "w1"; },
         [](const auto& v) { return v.job.worker_id == "w1"; }},
        {"worker and status",
         [](JobFilter& f) {
           f.worker = "w2";
           f.status = {Status::active};
         },
         [](const auto& v) { return v.job.worker_id == "w2" && v.job.status == Status::active; }},
        {"attempts", [](JobFilter& f) { f.attempts_min = 1; },
         [](const auto& v) { return v.job.attempts_made >= 1; }},
        {"no attempts", [](JobFilter& f) { f.attempts_max = 0; },
         [](const auto& v) { return v.job.attempts_made == 0; }},
        {"created",
         [&](JobFilter& f) {
           f.created_from = middle;
           f.created_before = middle + 1;
         },
         [&](const auto& v) { return v.job.created_at == middle; }},
        {"id",
         [&](JobFilter& f) {
           f.id_first = some;
           f.id_last = some;
         },
         [&](const auto& v) { return v.job.id == some; }},
        {"text", [](JobFilter& f) { f.text = R"("id":77})"; },
         [](const auto& v) { return v.job.payload->find(R"("id":77})") != std::string::npos; }},
        {"queue, name and tag",
         [](JobFilter& f) {
           f.queue = "b";
           f.name = "n0";
           f.tag = "x";
         },
         [](const auto& v) {
           return v.queue == "b" && v.job.name == "n0" &&
                  std::ranges::find(v.job.tags, "x") != v.job.tags.end();
         }},
        {"nothing", [](JobFilter& f) { f.tag = "never"; }, [](const auto&) { return false; }},
    };
    for (const Row& row : rows) {
      for (const bool newest_first : {true, false}) {
        JobFilter filter;
        filter.newest_first = newest_first;
        row.ask(filter);
        std::set<std::string> wanted;
        for (const core::JobView& view : everything) {
          if (row.is(view)) wanted.insert(uuid_text(view.job.id));
        }
        const std::vector<core::JobView> found = all_pages(bench, filter, 37);
        EXPECT_EQ(ids_of(found), wanted) << when << ": " << row.what;
        EXPECT_EQ(found.size(), wanted.size()) << when << ": " << row.what << " gives a job twice";
      }
    }
  }

  Bench bench;
  std::mt19937 random{11};
  std::vector<JobId> ids;
};

TEST_F(SearchTest, EveryQualifierFindsWhatALookAtAllJobsFinds) {
  submit_some(4000);
  work_some(150);
  compare("at first");
  await_index(bench);
  compare("with the index");
  submit_some(1500);
  work_some(150);
  compare("after changes");
}

TEST_F(SearchTest, TheIndexRulesOutNextToEverythingThatDoesNotMatch) {
  submit_some(6000);
  core::NewJob needle = Bench::job("b");
  needle.tags = {"needle"};
  bench.submit(needle);
  submit_some(6000);
  await_index(bench);
  JobFilter filter;
  filter.tag = "needle";
  // One page, its end included, within the budget of one look: without the index it is several.
  const auto page = bench.list(filter, 50);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->jobs.size(), 1u);
  EXPECT_FALSE(page->next_cursor);
  EXPECT_TRUE(page->complete);
}

TEST_F(SearchTest, SuggestsWhatWasSeen) {
  submit_some(500);
  work_some(60);
  await_index(bench);
  EXPECT_EQ(suggest(bench, SuggestField::queue).values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(suggest(bench, SuggestField::name, "n").values,
            (std::vector<std::string>{"n0", "n1", "n2", "n3"}));
  EXPECT_EQ(suggest(bench, SuggestField::name, "n", 2).values.size(), 2u);
  EXPECT_EQ(suggest(bench, SuggestField::worker, "w").values, (std::vector<std::string>{"w0", "w1", "w2"}));
  EXPECT_EQ(suggest(bench, SuggestField::group, "g").values, (std::vector<std::string>{"g0", "g1", "g2"}));
  core::NewJob later = Bench::job("a");
  later.tags = {"brand-new"};
  bench.submit(later);
  EXPECT_EQ(suggest(bench, SuggestField::tag, "brand").values, (std::vector<std::string>{"brand-new"}));
}

TEST_F(SearchTest, ASearchWhileJobsComeMissesNoneThatWasThereBefore) {
  submit_some(3000);
  std::atomic<bool> stop{false};
  // Another client, with a basket of its own.
  std::thread producer([&] {
    const auto basket = std::make_shared<Inbasket>();
    std::mt19937 own(5);
    for (std::uint64_t tag = 1; !stop; ++tag) {
      core::NewJob job = Bench::job(own() % 2 == 0 ? "a" : "b");
      job.tags = {"y" + std::to_string(own() % 3)};
      if (!bench.engine().post(core::Submit{{std::move(job)}, {}}, basket, tag)) continue;
      basket->take(tag);
    }
  });
  for (int round = 0; round < 20; ++round) {
    core::NewJob mine = Bench::job("a");
    mine.tags = {"mine" + std::to_string(round)};
    const JobId id = bench.submit(mine);
    JobFilter filter;
    filter.tag = mine.tags[0];
    EXPECT_EQ(ids_of(all_pages(bench, filter)), std::set<std::string>{uuid_text(id)}) << round;
  }
  stop = true;
  producer.join();
}

}  // namespace
}  // namespace pawl::engine
