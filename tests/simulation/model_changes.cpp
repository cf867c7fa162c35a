// What operators do to jobs: cancel, run again, here or elsewhere, delete; another time, another priority.
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

void Model::predict(const Cancel& cancel) {
  const ModelJob* known = find(cancel.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
  } else if (known->status == Status::active) {
    rare_.add(Rare::cancel_of_active);
    ModelJob job = *known;
    job.cancel_requested = true;
    put(cancel.id, std::move(job));
    answer_ = ExpectedChange{cancel.id, Status::active, true};
  } else if (known->status == Status::cancelled) {
    answer_ = ExpectedChange{cancel.id, Status::cancelled, false};
  } else if (is_end(known->status)) {
    answer_ = Refusal::wrong_state;
  } else {
    expected_.push_back({cancel.id, Event::cancel, 0, 0, {}, {}, {}, false});
    answer_ = ExpectedChange{cancel.id, Status::cancelled, false};
  }
}

void Model::predict(const Retry& retry) {
  const ModelJob* known = find(retry.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (!is_end(known->status) || (retry.only_from && *retry.only_from != known->status)) {
    if (retry.only_from && known->replays > 0) rare_.add(Rare::replay_twice_refused);
    answer_ = Refusal::wrong_state;
    return;
  }
  if (retry.only_released && known->unreleased && in_workflow(retry.id)) {
    rare_.add(Rare::retry_refused_before_its_parents);
    answer_ = Refusal::wrong_state;
    return;
  }
  if (!known->spec->unique_key.empty() && !(known->spec->keeps_latest() && known->started_at != 0)) {
    const ModelKey* held = key_holder(known->spec->queue, known->spec->unique_key, now_.wall);
    if (held != nullptr && held->until == 0 && held->id != retry.id) {
      rare_.add(Rare::retry_refused_by_unique_key);
      answer_ = Refusal::unique_key_taken;
      return;
    }
  }
  if (known->status == Status::failed) rare_.add(Rare::dead_letter_replayed);
  expected_.push_back({retry.id, Event::replay, 0, 0, {}, {}, {}, false});
  answer_ = ExpectedChange{retry.id, Status::pending, false};
}

// S5: it is gone from its queue and stands once in the other.
void Model::predict(const Move& move) {
  const ModelJob* known = find(move.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (!is_end(known->status) || (move.only_from && *move.only_from != known->status)) {
    answer_ = Refusal::wrong_state;
    return;
  }
  if (!queues_.contains(move.queue)) {
    answer_ = Refusal::unknown_queue;
    return;
  }
  if (known->spec->queue == move.queue) return predict(Retry{move.id, move.only_from, true});
  if (known->spec->queue == callbacks_queue || move.queue == callbacks_queue) {
    answer_ = Refusal::wrong_state;
    return;
  }
  if (known->member) {
    rare_.add(Rare::move_refused_by_its_graph);
    answer_ = Refusal::wrong_state;
    return;
  }
  rare_.add(Rare::dead_letter_moved);
  Spec spec = *known->spec;
  spec.queue = move.queue;
  if (spec.keeps_latest()) spec.ordered = false;
  spec.unique_key.clear();
  spec.unique_for_ms = 0;
  std::erase_if(spec.tags, [](const std::string& tag) { return tag.starts_with(moved_tag); });
  spec.tags.push_back(move.tag);
  Expected made;
  made.spec = std::make_shared<const Spec>(std::move(spec));
  made.run_at_min = made.run_at_max = now_.wall;
  made.moved = *known;
  if (known->spec->ordered) leave_order(move.id, *known);
  put(move.id, std::nullopt);
  expected_.push_back(std::move(made));
  answer_ = ExpectedChange{{}, Status::pending, false, true};
}

void Model::predict(const Promote& promote) {
  const ModelJob* known = find(promote.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
  } else if (known->status != Status::delayed) {
    answer_ = Refusal::wrong_state;
  } else {
    expected_.push_back({promote.id, Event::promote, 0, 0, {}, {}, {}, false});
    answer_ = ExpectedChange{promote.id, Status::pending, false};
  }
}

void Model::predict(const Delete& remove) {
  const ModelJob* known = find(remove.id, now_.wall);
  if (known == nullptr) {
    answer_ = Refusal::unknown_job;
    return;
  }
  if (known->status == Status::active || (remove.only_from && *remove.only_from != known->status)) {
    answer_ = Refusal::wrong_state;
    return;
  }
  if (!is_end(known->status)) {
    free_key(*known, remove.id);
    parent_over(remove.id, Status::cancelled, nullptr);
  }
  if (known->spec->ordered) leave_order(remove.id, *known);
  put(remove.id, std::nullopt);
}

// What a job that runs again in another queue takes along.
void Model::go_on(const ModelJob& before, ModelJob& known) {
  known.replays = before.replays + 1;
  known.error_types = before.error_types;
  known.started_at = before.started_at;
  known.parents = before.parents;
  if (before.status != Status::completed)
    known.steps = before.steps;
  else
    std::erase_if(known.parents, [](const auto& parent) { return parent.second.added; });
}

}  // namespace pawl::sim
