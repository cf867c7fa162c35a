#include "broker/engine/sweeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/engine/codec.h"
#include "broker/engine/job_reader.h"

namespace pawl::engine {

using core::JobId;
using core::WorkflowId;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds step_every{100};
constexpr int jobs_in_step = 256;
constexpr int workflows_in_step = 256;
constexpr std::size_t looks_in_step = 2048;   // for jobs of workflows; the last graph is looked through
constexpr std::size_t erases_in_step = 8192;  // rows of graphs; the last graph goes as a whole

struct Ended {
  WorkflowId id;
  std::uint32_t total;
};

// Row by row, and no further than to the first job that there is.
bool has_jobs(const storage::Snapshot& snapshot, const WorkflowId& id, core::Millis now_wall,
              std::size_t& looks) {
  bool any = false;
  const auto scanned = snapshot.scan({family::members, std::string(id.view()), end_of_prefix(id.view())},
                                     [&](std::string_view key, std::string_view value) {
                                       const Decoded<core::MemberRow> member = decode_member(key, value);
                                       ++looks;
                                       any = !member || may_exist(snapshot, member->job, now_wall);
                                       return !any;
                                     });
  return any || !scanned;
}

}  // namespace

Sweeper::Sweeper(Port& port, milliseconds every)
    : port_(port), every_(every), next_(std::chrono::steady_clock::now() + every) {}

bool Sweeper::step_if_due(Instant now) {
  if (now < next_) return false;
  const bool over = at_workflows_ ? sweep_workflows() : sweep_logs();
  const bool pass_over = over && at_workflows_;
  if (over) at_workflows_ = !at_workflows_;
  next_ = std::chrono::steady_clock::now() + (pass_over ? every_ : std::min(every_, step_every));
  return pass_over;
}

// True: all lines were looked at, or what was found could not be erased now.
bool Sweeper::sweep_logs() {
  std::vector<JobId> gone;
  bool over = false;
  {
    const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
    const core::Millis now_wall = port_.wall();
    for (int i = 0; i < jobs_in_step && !over; ++i) {
      std::optional<JobId> found;
      storage::Range range{family::logs, job_ ? std::string(job_->view()) : std::string(),
                           std::string(29, '\xff')};
      const auto scanned = snapshot->scan(range, [&](std::string_view key, std::string_view) {
        if (key.size() == 28) found = id_at(key, 0);
        return false;
      });
      over = !scanned || !found;
      if (over) break;
      if (!may_exist(*snapshot, *found, now_wall)) gone.push_back(*found);
      job_ = id_after(*found);
      over = !job_;
    }
  }
  if (over) job_.reset();
  if (gone.empty()) return over;
  const bool ran = port_.run([gone = std::move(gone)](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const JobId& id : gone) outbox.erase_logs(id);
  });
  return over || !ran;
}

// A job whose record is gone never comes back, and only jobs add to a graph or set one going again: what was
// found so in a snapshot stays so.
bool Sweeper::sweep_workflows() {
  std::vector<Ended> gone;
  std::optional<WorkflowId> last;
  int seen = 0;
  std::size_t looks = 0;
  std::size_t erases = 0;
  const std::unique_ptr<storage::Snapshot> snapshot = port_.snapshot();
  const core::Millis now_wall = port_.wall();
  const std::string begin = workflow_ ? std::string(workflow_->view()) + '\0' : std::string();
  bool more = false;
  const auto scanned = snapshot->scan(
      {family::workflows, begin, std::string(17, '\xff')}, [&](std::string_view key, std::string_view value) {
        more = seen >= workflows_in_step || looks >= looks_in_step || erases >= erases_in_step;
        if (more) return false;
        ++seen;
        const Decoded<core::WorkflowRow> row = decode_workflow(key, value);
        if (!row) return true;  // `pawld check` names it
        last = row->id;
        if (row->left == 0 && !has_jobs(*snapshot, row->id, now_wall, looks)) {
          gone.push_back({row->id, row->total});
          erases += row->total;
        }
        return true;
      });
  const bool over = !scanned || !more;
  workflow_ = over ? std::nullopt : last;
  if (gone.empty()) return over;
  const bool ran = port_.run([gone = std::move(gone)](core::Machine&, BatchOutbox& outbox, core::Now) {
    for (const Ended& ended : gone) outbox.erase_workflow(ended.id, ended.total);
  });
  return over || !ran;
}

}  // namespace pawl::engine
