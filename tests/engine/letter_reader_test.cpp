#include "broker/engine/letter_reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "bench.h"
#include "broker/engine/batch_outbox.h"
#include "broker/engine/codec.h"

namespace pawl::engine {
namespace {

core::Job job_of(std::uint64_t number, core::Status status) {
  core::Job job;
  job.id = core::JobId::from_words(1'000ull << 16 | 0x7000,
                                   0x8000'0000'0000'0000ull | 7ull << 38 | 1000ull << 27 | number);
  job.queue = core::QueueNumber{7};
  job.created_at = 1'000;
  job.status = status;
  return job;
}

void put(BatchOutbox& outbox, core::Place place, const core::Job& job) { outbox.put_job(place, job); }

class LetterReaderTest : public testing::Test {
 protected:
  LetterReaderTest() {
    storage::Options options;
    options.families = families();
    store = std::make_unique<storage::MemoryStore>(std::move(options));
    partition = std::move(*store->acquire(0));
    view.started_at = 2'000;
  }
  void commit(BatchOutbox& outbox) { partition->commit(outbox.batch, {}); }
  /// One job a slice, to the end.
  std::vector<core::JobId> all() {
    std::vector<core::JobId> ids;
    LetterSlice slice;
    while (!slice.last) {
      slice = read_letters(*partition->snapshot(), view, core::QueueNumber{7}, slice.position, 1, 1'000,
                           2'000, nullptr);
      EXPECT_FALSE(slice.failed);
      ids.insert(ids.end(), slice.ids.begin(), slice.ids.end());
    }
    return ids;
  }

  std::unique_ptr<storage::MemoryStore> store;
  std::unique_ptr<storage::Partition> partition;
  OperationView view;
};

TEST_F(LetterReaderTest, WhatDiedAfterTheOperationBeganIsNotItsOwn) {
  view.spec.action = OperationSpec::Action::replay;
  BatchOutbox outbox;
  core::Job before = job_of(1, core::Status::failed);
  before.finished_at = 2'000;
  core::Job later = job_of(2, core::Status::failed);
  later.finished_at = 2'001;
  put(outbox, core::Place::dead, before);
  put(outbox, core::Place::dead, later);
  commit(outbox);
  EXPECT_EQ(all(), std::vector{before.id});
}

}  // namespace
}  // namespace pawl::engine
