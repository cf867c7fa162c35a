// Long reads, off the engine thread: they read a snapshot and then ask the engine what memory knows better.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/reply.h"
#include "broker/core/workflow.h"
#include "broker/engine/failure_groups.h"

namespace pawl::engine {

struct JobFilter {
  std::optional<std::string> queue;
  std::vector<core::Status> status;  // empty: any
  std::optional<std::string> name;
  std::optional<std::string> group;
  std::optional<std::string> tag;
  std::optional<std::string> error_type;   // of the last error
  std::optional<Fingerprint> fingerprint;  // of the last error
  bool newest_first = true;                // by id, which is submit order
};

struct JobPage {
  std::vector<core::JobView> jobs;
  std::optional<std::string> next_cursor;  // absent: there are no more
  bool complete = true;  // false: the scan budget ended before the page was full; next_cursor goes on
};

struct LogLine {
  core::Millis at = 0;
  std::string text;
};

/// A workflow's graph with the states of its jobs.
struct WorkflowMember {
  core::MemberRow row;
  std::string queue;
  std::optional<core::Status> status;  // absent: the job's record is gone
};
struct WorkflowView {
  core::WorkflowRow row;
  std::vector<WorkflowMember> members;  // by index
};
struct WorkflowPage {
  std::vector<core::WorkflowRow> workflows;  // the newest first
  std::optional<std::string> next_cursor;
};

/// Why a read gave nothing.
enum class ListError : std::uint8_t { bad_cursor, unknown_queue, unknown_job, unknown_workflow, store, busy };

class JobLister {
 public:
  virtual ~JobLister() = default;
  using JobsAnswer = std::function<void(std::expected<JobPage, ListError>)>;
  /// Thread: any; answers on a thread of the lister. limit 1…1000. Never answers about what is not durable.
  virtual void list(JobFilter filter, std::size_t limit, std::string cursor, JobsAnswer answer) = 0;
  struct Logs {
    std::vector<LogLine> lines;
    std::optional<std::string> next_cursor;
  };
  using LogsAnswer = std::function<void(std::expected<Logs, ListError>)>;
  virtual void logs(core::JobId id, std::size_t limit, std::string cursor, LogsAnswer answer) = 0;
  using WorkflowAnswer = std::function<void(std::expected<WorkflowView, ListError>)>;
  virtual void workflow(core::WorkflowId id, WorkflowAnswer answer) = 0;
  using WorkflowsAnswer = std::function<void(std::expected<WorkflowPage, ListError>)>;
  virtual void workflows(std::size_t limit, std::string cursor, WorkflowsAnswer answer) = 0;
  using GroupsAnswer = std::function<void(std::expected<std::vector<FailureGroup>, ListError>)>;
  /// The dead letters of a queue by their fingerprint; `busy` while they are counted after a start.
  virtual void failure_groups(std::string queue, GroupsAnswer answer) = 0;
};

}  // namespace pawl::engine
