// Long reads, off the engine thread: they read a snapshot and then ask the engine what memory knows better.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/reply.h"
#include "broker/core/workflow.h"
#include "broker/engine/failure_groups.h"

namespace pawl::engine {

/// What stands at a path ("user.id") of a JSON text, as text: strings without quotes, numbers and booleans as
/// they are written. Nothing for what is not there, for objects, arrays and null. Thread: any.
using PayloadValue = std::function<std::optional<std::string>(std::string_view json, std::string_view path)>;

struct JobFilter {
  std::optional<std::string> queue;
  std::vector<core::Status> status;  // empty: any
  std::optional<std::string> name;
  std::optional<std::string> group;
  std::optional<std::string> tag;
  std::optional<std::string> error_type;     // of the last error
  std::optional<Fingerprint> fingerprint{};  // of the last error
  std::optional<std::string> worker{};       // of the latest attempt
  // Ids from the first to the last, both among them.
  std::optional<core::JobId> id_first{};
  std::optional<core::JobId> id_last{};
  std::optional<core::Millis> created_from{};    // at or after
  std::optional<core::Millis> created_before{};  // before
  std::uint32_t attempts_min = 0;                // attempts made
  std::uint32_t attempts_max = UINT32_MAX;
  /// Paths that the queue declares as searchable, and what must stand there. Needs a queue.
  std::vector<std::pair<std::string, std::string>> payload{};
  std::optional<std::string> text{};  // stands in the payload or in an error, byte for byte
  /// What of a payload `text` may be found in; null: all. Thread: the readers', several at a time.
  std::function<std::string(std::string_view payload)> shown{};
  bool newest_first = true;  // by id, which is submit order
  /// Instead: delayed jobs by when they are due, active ones by when they began. REQUIRES: status is one of
  /// these alone
  bool by_time = false;
};

struct JobPage {
  std::vector<core::JobView> jobs;
  std::optional<std::string> next_cursor;  // absent: there are no more
  std::uint64_t scanned = 0;               // jobs looked at or ruled out since the first page, about
  std::uint64_t of = 0;                    // jobs that queue and status name
  bool complete = true;  // false: the scan budget ended before the page was full; next_cursor goes on
};

struct LogLine {
  core::Millis at = 0;
  std::uint32_t attempt = 0;  // 1…; 0: not known
  std::string text;
};

/// A workflow's graph with the states of its jobs.
struct WorkflowMember {
  core::MemberRow row;
  std::string queue;
  std::optional<core::Status> status;  // absent: the job's record is gone
  std::string event;                   // that it waits for, blocked
  std::optional<core::JobId> invoked;  // the same
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
enum class ListError : std::uint8_t {
  bad_cursor,
  unknown_queue,
  unknown_target,  // the queue that jobs were to go into
  unknown_job,
  unknown_workflow,
  not_searchable,
  store,
  busy
};

/// What a search bar completes.
enum class SuggestField : std::uint8_t { queue, name, group, tag, error_type, worker };
struct Suggestions {
  std::vector<std::string> values;  // sorted
  bool complete = true;             // false: some jobs have not been looked at yet; ask again
};

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
  /// Values that begin with the prefix, at most `limit`. Thread as list().
  using SuggestAnswer = std::function<void(std::expected<Suggestions, ListError>)>;
  virtual void suggest(SuggestField field, std::string prefix, std::size_t limit, SuggestAnswer answer) = 0;
  /// attempt: of that one alone. A cursor belongs to the same attempt.
  virtual void logs(core::JobId id, std::optional<std::uint32_t> attempt, std::size_t limit,
                    std::string cursor, LogsAnswer answer) = 0;
  using WorkflowAnswer = std::function<void(std::expected<WorkflowView, ListError>)>;
  virtual void workflow(core::WorkflowId id, WorkflowAnswer answer) = 0;
  using WorkflowsAnswer = std::function<void(std::expected<WorkflowPage, ListError>)>;
  virtual void workflows(std::size_t limit, std::string cursor, WorkflowsAnswer answer) = 0;
  using GroupsAnswer = std::function<void(std::expected<std::vector<FailureGroup>, ListError>)>;
  /// The dead letters of a queue by their fingerprint; `busy` while they are counted after a start.
  virtual void failure_groups(std::string queue, GroupsAnswer answer) = 0;
};

}  // namespace pawl::engine
