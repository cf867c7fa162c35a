// Jobs that wait for other jobs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/new_job.h"

namespace pawl::core {

/// What becomes of a job when one that it waits for fails or is cancelled. Values are on disk.
enum class OnParentFailure : std::uint8_t {
  fail = 0,  // it fails too, at once
  run = 1,   // it runs when all have ended, and sees what became of them
  skip = 2,  // it is cancelled, at once
};
inline constexpr std::array<std::string_view, 3> on_parent_failure_names{"fail", "run", "skip"};  // by value

inline constexpr std::size_t workflow_jobs_max = 10'000;
inline constexpr std::size_t parents_bytes_max = 1 << 20;  // of the results that a job gets from its parents

/// One job of a graph, as it is submitted.
struct NewMember {
  std::string ref;                        // names it within the graph
  NewJob job;                             // no unique key and no gathering: each member is a job of its own
  std::vector<std::uint32_t> depends_on;  // indexes of the graph's jobs, each once
  OnParentFailure on_parent_failure = OnParentFailure::fail;
};

/// What is wrong with a graph, and where.
struct GraphFault {
  std::uint32_t member = 0;
  std::string what;
};
/// Nothing when no job waits for itself, over others or not. REQUIRES: all indexes are within.
std::optional<GraphFault> find_cycle(const std::vector<NewMember>& members);

/// Who waits for a job.
struct Dependent {
  JobId id;
  std::string ref;  // the job's, for the one that waits
  OnParentFailure policy = OnParentFailure::fail;
  bool invoked = false;  // the parent's result becomes the step `ref`; null, unless it completed
  LeaseNumber since = LeaseNumber::none;  // as its Join's: an end counts for the wait that it belongs to
  bool added = false;                     // the parent is a child, added by the job itself
};

/// For how many jobs one still waits.
struct Join {
  std::uint32_t left = 0;
  /// The lease in which it began to wait; none: it waits with its graph. A wait that ended early leaves
  /// Dependents behind that a later one must not take for its own.
  LeaseNumber since = LeaseNumber::none;
};

/// A workflow as it is kept; its jobs' states are their own.
struct WorkflowRow {
  WorkflowId id;
  std::string name;
  Millis created_at = 0;
  std::uint32_t total = 0;
  std::uint32_t left = 0;       // jobs that have not ended
  std::uint32_t failed = 0;     // of those that have
  std::uint32_t cancelled = 0;  // the same
  Millis finished_at = 0;       // when `left` became 0; 0: it runs

  /// running, completed (all of them are), failed (one is, at least), cancelled (one is, and none failed).
  std::string_view status() const;
};

/// A place in a workflow's graph.
struct MemberRow {
  WorkflowId workflow;
  std::uint32_t index = 0;  // 0…total − 1
  JobId job;
  std::string ref;
  OnParentFailure on_parent_failure = OnParentFailure::fail;
  std::vector<std::uint32_t> depends_on;  // indexes
  JobId adds_to;  // the job that added it as a child, and waits for it; none: it came with the graph
};

}  // namespace pawl::core
