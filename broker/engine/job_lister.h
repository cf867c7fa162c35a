// Lists and log lines, on a thread of their own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "broker/engine/list_merge.h"
#include "broker/engine/lists.h"
#include "broker/engine/port.h"

namespace pawl::engine {

/// Takes at most 256 waiting requests; more are answered `busy`.
class SnapshotLister final : public JobLister {
 public:
  SnapshotLister(Port& port, FailureGroups& failures);
  ~SnapshotLister() override;
  /// Answers what waits with `busy`, finishes what runs, joins. Idempotent. The engine must still serve.
  void stop();

  void list(JobFilter filter, std::size_t limit, std::string cursor, JobsAnswer answer) override;
  void logs(core::JobId id, std::size_t limit, std::string cursor, LogsAnswer answer) override;
  void workflow(core::WorkflowId id, WorkflowAnswer answer) override;
  void workflows(std::size_t limit, std::string cursor, WorkflowsAnswer answer) override;
  void failure_groups(std::string queue, GroupsAnswer answer) override;

 private:
  using Work = std::function<void(bool run)>;

  void post(Work work);
  void run();
  std::expected<JobPage, ListError> read_jobs(const JobFilter& filter, std::size_t limit,
                                              const std::string& cursor);
  std::expected<void, ListError> add_sources(ListMerge& merge, const storage::Snapshot& snapshot,
                                             const JobFilter& filter);
  std::expected<void, ListError> fill(ListMerge& merge, const JobFilter& filter, std::size_t limit,
                                      JobPage& page);
  std::expected<void, ListError> overlay(std::vector<ListMerge::Candidate> candidates,
                                         const JobFilter& filter, JobPage& page);
  std::expected<Logs, ListError> read_logs(const core::JobId& id, std::size_t limit,
                                           const std::string& cursor);

  Port& port_;
  FailureGroups& failures_;
  std::unordered_map<std::uint32_t, std::string> queue_names_;  // of the list under way
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pawl::engine
