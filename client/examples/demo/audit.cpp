#include "client/examples/demo/audit.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

namespace demo {
namespace {

using pawl::JobRecord;
using pawl::Status;
using pawl::Time;

constexpr std::size_t problems_max = 20;

void complain(Tally& tally, const std::string& text) {
  if (tally.problems.size() < problems_max) tally.problems.push_back(text);
}

std::size_t times_in(const JobRecord& job, Status status) {
  return static_cast<std::size_t>(std::count_if(job.history.begin(), job.history.end(),
                                                [&](const auto& change) { return change.status == status; }));
}

void check_end(Tally& tally, const JobRecord& job) {
  const std::size_t completions = times_in(job, Status::completed);
  const std::size_t failures = times_in(job, Status::failed);
  if (job.status == Status::completed) {
    ++tally.completed;
    if (completions != 1 || failures != 0) complain(tally, job.job_id + " did not end exactly once");
    if (job.result.text() == "null") complain(tally, job.job_id + " completed without a result");
  } else if (job.status == Status::failed) {
    ++tally.dead;
    if (failures != 1 || completions != 0) complain(tally, job.job_id + " did not end exactly once");
    if (job.errors.empty()) complain(tally, job.job_id + " failed and has no error");
    tally.dead_types.push_back(job.errors.empty() ? "?" : job.errors.back().type);
  } else {
    complain(tally, job.job_id + " has not ended: it is " + std::string(to_string(job.status)));
  }
}

void measure(Tally& tally, const JobRecord& job) {
  for (std::size_t i = 1; i < job.history.size(); ++i) {
    const auto& before = job.history[i - 1];
    const auto& after = job.history[i];
    if (!before.at || !after.at) continue;
    const bool waited = before.status == Status::pending || before.status == Status::stalled;
    if (waited && after.status == Status::active) tally.waits.push_back(*after.at - *before.at);
    const bool lost = after.status == Status::stalled;
    if (before.status == Status::active && !lost) tally.runs.push_back(*after.at - *before.at);
  }
  const std::size_t stalls = times_in(job, Status::stalled);
  if (stalls > 0) ++tally.stalled;
  if (stalls > 0 && is_end(job.status) && job.status != Status::cancelled) ++tally.recovered;
  if (job.attempts_made > 1) ++tally.retried;
  if (job.status != Status::completed) return;
  const auto result = job.result.parse();
  if (!result.is_object()) return;
  tally.bytes += result.value("bytes", std::size_t{0});
  if (const auto chunks = result.find("chunks"); chunks != result.end()) tally.chunks += chunks->size();
}

/// Every job id of the queue, page by page.
std::unordered_set<std::string> listed(pawl::Client& client, const std::string& queue, Tally& tally) {
  std::unordered_set<std::string> out;
  pawl::JobQuery query{.queue = queue, .limit = 1000};
  do {
    const auto page = client.list(query);
    for (const JobRecord& job : page.jobs) {
      if (!out.insert(job.job_id).second) complain(tally, job.job_id + " is listed twice");
    }
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  return out;
}

}  // namespace

Tally audit(pawl::Client& client, const std::string& queue, const std::vector<pawl::Enqueued>& submitted) {
  Tally tally;
  tally.submitted = submitted.size();
  auto in_queue = listed(client, queue, tally);
  std::unordered_set<std::string> own;
  std::optional<Time> first;
  std::optional<Time> last;
  for (const auto& job : submitted) {
    if (!own.insert(job.job_id).second) complain(tally, job.job_id + " was given to two submits");
    if (in_queue.erase(job.job_id) == 0) complain(tally, job.job_id + " is missing from the list");
    const auto record = client.try_get(job.job_id);
    if (!record) {
      complain(tally, job.job_id + " cannot be read: " + record.error().text());
      continue;
    }
    check_end(tally, *record);
    measure(tally, *record);
    if (record->created_at && (!first || *record->created_at < *first)) first = record->created_at;
    if (record->finished_at && (!last || *record->finished_at > *last)) last = record->finished_at;
  }
  for (const std::string& id : in_queue) complain(tally, id + " is in the queue and was never submitted");
  if (tally.completed + tally.dead != tally.submitted) complain(tally, "submitted is not completed + failed");

  const auto info = client.queue(queue);
  if (info.completed != tally.completed || info.failed != tally.dead ||
      info.pending + info.active + info.delayed > 0) {
    complain(tally, "the queue's counters do not agree with its jobs: " + info.text);
  }
  if (first && last) tally.seconds = std::chrono::duration<double>(*last - *first).count();
  std::sort(tally.waits.begin(), tally.waits.end());
  std::sort(tally.runs.begin(), tally.runs.end());
  return tally;
}

pawl::milliseconds percentile(const std::vector<pawl::milliseconds>& sorted, double share) {
  if (sorted.empty()) return {};
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[at];
}

}  // namespace demo
