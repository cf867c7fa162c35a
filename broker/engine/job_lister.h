// Lists and log lines, on a thread of their own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "broker/engine/list_merge.h"
#include "broker/engine/lists.h"
#include "broker/engine/port.h"
#include "broker/engine/search_index.h"

namespace pawl::engine {

/// A cursor belongs to its filter: with another one its place would mean nothing.
std::uint32_t hash_of(const JobFilter& filter);

/// Takes at most 256 waiting requests; more are answered `busy`. A search that the index can help arms it,
/// and it is built between requests; when nobody has searched for an hour it is forgotten.
class SnapshotLister final : public JobLister, public AuditLog {
 public:
  /// All must outlive it.
  SnapshotLister(Port& port, SearchIndex& index, FailureGroups& failures, const PayloadValue& value_at);
  ~SnapshotLister() override;
  /// Answers what waits with `busy`, finishes what runs, joins. Idempotent. The engine must still serve.
  void stop();

  void list(JobFilter filter, std::size_t limit, std::string cursor, JobsAnswer answer) override;
  void suggest(SuggestField field, std::string prefix, std::size_t limit, SuggestAnswer answer) override;
  void logs(core::JobId id, std::optional<std::uint32_t> attempt, std::size_t limit, std::string cursor,
            LogsAnswer answer) override;
  void workflow(core::WorkflowId id, WorkflowAnswer answer) override;
  void workflows(std::size_t limit, std::string cursor, WorkflowsAnswer answer) override;
  void audit(AuditFilter filter, std::size_t limit, std::string cursor, AuditAnswer answer) override;
  void failure_groups(std::string queue, GroupsAnswer answer) override;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  using Work = std::function<void(bool run)>;

  void post(Work work);
  void run();
  std::expected<JobPage, ListError> read_jobs(const JobFilter& filter, std::size_t limit,
                                              const std::string& cursor);
  struct TimePlace;
  std::expected<JobPage, ListError> read_by_time(const JobFilter& filter, std::size_t limit,
                                                 const std::string& cursor);
  /// False: there is nothing beyond `place`.
  std::expected<bool, ListError> add_due(const storage::Snapshot& snapshot, const JobFilter& filter,
                                         std::size_t limit, TimePlace& place, JobPage& page);
  std::expected<bool, ListError> add_longest(const JobFilter& filter, std::size_t limit, TimePlace& place,
                                             JobPage& page);
  std::expected<void, ListError> add_sources(ListMerge& merge, const storage::Snapshot& snapshot,
                                             const JobFilter& filter, JobPage& page);
  std::expected<void, ListError> find_queues(const storage::Snapshot& snapshot, const JobFilter& filter,
                                             JobPage& page);
  std::expected<void, ListError> add_active(ListMerge& merge, const JobFilter& filter);
  std::expected<Suggestions, ListError> read_words(SuggestField field, const std::string& prefix,
                                                   std::size_t limit);
  std::expected<AuditPage, ListError> read_audit(const AuditFilter& filter, std::size_t limit,
                                                 const std::string& cursor);
  bool want_index();
  void build_some();
  bool begin_build(core::QueueNumber queue);
  void forget_index();
  void idle(std::unique_lock<std::mutex>& lock);
  std::expected<void, ListError> fill(ListMerge& merge, const JobFilter& filter, std::size_t limit,
                                      JobPage& page);
  std::expected<void, ListError> overlay(std::vector<ListMerge::Candidate> candidates,
                                         const JobFilter& filter, JobPage& page);
  std::expected<Logs, ListError> read_logs(const core::JobId& id, std::optional<std::uint32_t> attempt,
                                           std::size_t limit, const std::string& cursor);

  Port& port_;
  SearchIndex& index_;
  FailureGroups& failures_;
  const PayloadValue& value_at_;
  std::unordered_map<std::uint32_t, std::string> queue_names_;  // of the list under way
  std::set<std::uint32_t> to_build_;                            // the thread's own, as the next four
  /// The queue that is being built, from one look at the store.
  struct Build {
    core::QueueNumber queue;
    std::vector<std::string> paths;
    SearchIndex::Progress progress;
    std::unique_ptr<storage::Snapshot> snapshot;
    JobFilter all;
    std::optional<ListMerge> merge;
  };
  std::unique_ptr<Build> build_;
  SearchNotes build_notes_;
  Instant searched_at_{};
  Instant armed_at_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
