// What an operator may change of a job that waits: its time and its priority.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

bool Model::may_change(const ModelJob& known, const ChangeJob& change) const {
  if (known.status == Status::active || is_end(known.status)) return false;
  const bool time = change.run_at || change.delay_ms;
  if (time && (known.wait || (known.spec->ordered && known.status != Status::delayed))) return false;
  if (!change.priority) return true;
  const bool ages = known.aged || queues_.at(known.spec->queue).settings.priority_ageing_ms.has_value();
  return !known.spec->ordered && !ages;
}

void Model::change_priority(const JobId& id, ModelJob& then, int priority) {
  if (then.spec->priority == priority) return;
  rare_.add(Rare::priority_changed);
  if (priority == id.priority()) rare_.add(Rare::priority_changed_back);
  Spec spec = *then.spec;
  spec.priority = priority;
  then.spec = std::make_shared<const Spec>(std::move(spec));
  then.changed_in_run = run_;
  change_due_ = id;
}

void Model::change_time(const JobId& id, ModelJob& then, Millis at) {
  const bool later = at > now_.wall;
  if (then.status == Status::delayed && !later) {
    rare_.add(Rare::delay_cut_to_nothing);
    expected_.push_back({id, Event::promote, 0, 0, {}, {}, {}, false});
  } else if (then.status == Status::delayed || then.status == Status::blocked) {
    rare_.add(then.status == Status::delayed ? Rare::delay_changed : Rare::blocked_job_given_a_time);
    at = std::max(at, now_.wall);
    if (then.run_at != at) change_due_ = id;
    const bool gathers = std::ranges::any_of(keys_, [&](const auto& key) {
      return key.second.id == id && key.first.second.starts_with('\2') && key.second.until == then.run_at;
    });
    if (gathers) rare_.add(Rare::debounced_job_rescheduled);
    then.run_at = at;
  } else if (later) {
    rare_.add(then.status == Status::pending ? Rare::pending_job_postponed : Rare::stalled_job_postponed);
    expected_.push_back({id, Event::postpone, at, at, {}, {}, {}, false});
  }
}

void Model::predict(const ChangeJob& change) {
  const ModelJob* known = find(change.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (!may_change(*known, change)) {
    rare_.add(Rare::change_refused);
    answer_ = Refusal::wrong_state;
    return;
  }
  ModelJob then = *known;
  if (change.priority) change_priority(change.id, then, *change.priority);
  if (change.run_at || change.delay_ms)
    change_time(change.id, then, change.run_at ? *change.run_at : now_.wall + *change.delay_ms);
  Status status = then.status;
  if (!expected_.empty()) {  // the move tells of all
    change_due_.reset();
    status = expected_.front().event == Event::postpone ? Status::delayed : Status::pending;
  }
  put(change.id, std::move(then));
  answer_ = ExpectedChange{change.id, status, false};
}

// S7: a job that waits has the time and the priority that it was given last, and viewers are told.
void Model::changed(const Job& job, const std::string&) {
  if (doing_ != Doing::command || change_due_ != job.id)
    bad("S7", job.id, "it is changed and nobody asked for it");
  change_due_.reset();
  const std::string wrong = difference(job, jobs_.at(job.id), false);
  if (!wrong.empty()) bad("S7", job.id, "after a change: " + wrong);
}

}  // namespace pawl::sim
