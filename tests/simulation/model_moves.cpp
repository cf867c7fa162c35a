// What the machine says it did: every move, held against what was predicted or allowed.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

namespace {

/// The picture of the state machine, once more and by hand.
std::optional<Status> follow(Status from, Event event) {
  switch (event) {
    case Event::lease:
      if (from == Status::pending || from == Status::stalled) return Status::active;
      break;
    case Event::complete:
      return from == Status::active ? std::optional(Status::completed) : std::nullopt;
    case Event::retry_later:
    case Event::release_later:
      return from == Status::active ? std::optional(Status::delayed) : std::nullopt;
    case Event::retry_now:
    case Event::release:
      return from == Status::active ? std::optional(Status::pending) : std::nullopt;
    case Event::fail:
      return from == Status::active ? std::optional(Status::failed) : std::nullopt;
    case Event::stall:
      return from == Status::active ? std::optional(Status::stalled) : std::nullopt;
    case Event::due:
    case Event::promote:
      return from == Status::delayed ? std::optional(Status::pending) : std::nullopt;
    case Event::cancel:
      return is_end(from) ? std::nullopt : std::optional(Status::cancelled);
    case Event::unblock:
      return from == Status::blocked ? std::optional(Status::pending) : std::nullopt;
    case Event::unblock_later:
      return from == Status::blocked ? std::optional(Status::delayed) : std::nullopt;
    case Event::postpone:
      return is_ready(from) ? std::optional(Status::delayed) : std::nullopt;
    case Event::parent_failed:
      return from == Status::blocked ? std::optional(Status::failed) : std::nullopt;
    case Event::suspend:
      return from == Status::active ? std::optional(Status::blocked) : std::nullopt;
    case Event::block_again:
      return from == Status::failed || from == Status::cancelled ? std::optional(Status::blocked)
                                                                 : std::nullopt;
    case Event::replay:
      return is_end(from) ? std::optional(Status::pending) : std::nullopt;
  }
  return std::nullopt;
}

/// Rounding up so that many ended jobs leave together is allowed: a sixty-fourth of the time, or a
/// millisecond.
bool is_expiry(Millis at, Millis ended, Millis keep) {
  if (keep < 0) return at == 0;
  return at >= ended + keep && at <= ended + keep + keep / 64 + 1;
}

}  // namespace

void Model::add_error(ModelJob& known, const std::string& type) {
  if (known.error_types.size() >= errors_max) known.error_types.erase(known.error_types.begin());
  known.error_types.push_back(type);
}

void Model::moved(const Job& job, const std::string& queue, Status from, const Event* cause) {
  trace_.add(cause ? name_of(*cause) : "submitted", job.id, static_cast<std::int64_t>(from), job.run_at,
             name_of(job.status));
  if (cause == nullptr) return move_new(job, queue);
  check_called_back();
  const auto it = jobs_.find(job.id);
  if (it == jobs_.end()) bad("D4", job.id, fmt::format("{} of a job that nobody submitted", name_of(*cause)));
  ModelJob known = it->second;
  if (from != known.status) {
    const bool leased = *cause == Event::lease;
    const std::string_view invariant = known.status == Status::active && is_ready(from) ? "L1"
                                       : leased && is_end(known.status)                 ? "S6"
                                       : leased && known.status == Status::delayed      ? "T1"
                                                                                        : "S1";
    bad(invariant, job.id, fmt::format("{} moves it from {}", name_of(*cause), name_of(from)));
  }
  const auto to = follow(from, *cause);
  if (!to || *to != job.status) {
    bad("S1", job.id,
        fmt::format("{} from {} to {} is no edge", name_of(*cause), name_of(from), name_of(job.status)));
  }
  if (now_.wall < known.moved_at) bad("T3", job.id, "its history goes back in time");
  if (find(job.id, now_.wall) == nullptr) bad("S6", job.id, "it had left by retention");
  switch (doing_) {
    case Doing::command:
      move_expected(job, known, *cause);
      break;
    case Doing::tick:
      if (*cause == Event::cancel && from != Status::active) {
        begin_run();
        if (expected_.empty() || expected_.front().id != job.id)
          bad("T2", job.id, "cancelled by time, and no schedule replaces it");
        move_expected(job, known, *cause);
      } else {
        move_by_time(job, known, *cause);
      }
      break;
    case Doing::pay:
      move_by_parents(job, known, *cause);
      break;
    case Doing::match:
      move_to_worker(job, known);
      break;
    case Doing::nothing:
      bad("S1", job.id, "moved outside of any call");
  }
  if (known.spec->ordered) leave_order(job.id, known);
  if (known.status == Status::blocked) {
    known.wait.reset();
    known.awaits.clear();
  }
  known.unreleased = from == Status::blocked && known.after_parents && is_end(job.status);
  known.after_parents = job.status == Status::blocked && is_end(from);
  known.status = job.status;
  known.moved_at = now_.wall;
  if (blocked_again_) {
    known.awaits = *std::exchange(blocked_again_, std::nullopt);
    known.in_run = run_;
  }
  if (is_end(job.status)) {
    take_end(job, known);
    call_back(job, known);
  }
  if (known.spec->ordered) note_order(job.id, known);
  put(job.id, std::move(known));
  const std::string wrong = difference(job, jobs_.at(job.id), false);
  const bool budget = wrong.starts_with("attempts") || wrong.starts_with("stalls");
  if (!wrong.empty()) bad(budget ? "S2" : "S1", job.id, fmt::format("after {}: {}", name_of(*cause), wrong));
  if (job.history.back().status != job.status) bad("S1", job.id, "the move is not in its history");
  // Nothing of it is kept: no clock brings it back.
  const Retention& keep = jobs_.at(job.id).spec->retention;
  if (is_end(job.status) && (job.status == Status::failed ? keep.failed_ms : keep.completed_ms) == 0)
    put(job.id, std::nullopt);
  if (under_way_ && !under_way_->planned && expected_.empty()) plan_job(*under_way_);
}

// Whoever asked for it is told of an end by a job of the same batch, which comes next.
void Model::call_back(const Job& job, const ModelJob& known) {
  const Callback* callback = known.spec->callback.get();
  if (callback == nullptr || known.spec->queue == callbacks_queue) return;
  const unsigned end = job.status == Status::completed ? Callback::completed
                       : job.status == Status::failed  ? Callback::failed
                                                       : Callback::cancelled;
  if ((callback->on & end) == 0) return;
  rare_.add(Rare::called_back);
  NewJob told;
  told.queue = callbacks_queue;
  told.name = fmt::format("pawl.job.{}", name_of(job.status));
  told.payload = std::make_shared<const std::string>(end_text(job));
  told.target = callback->url;
  told.max_attempts = callback_attempts;
  expect_queue(told.queue);
  callback_due_ = expected_new(told);
}

void Model::check_called_back() const {
  if (callback_due_) violated("K1", "an end was not told: " + *callback_due_->spec->payload);
}

void Model::move_new(const Job& job, const std::string& queue) {
  if (callback_due_) {
    if (queue != callbacks_queue) bad("K1", job.id, "an end was not told");
    expected_.push_front(*std::exchange(callback_due_, std::nullopt));
    expected_.front().tells = true;
  } else if (queue == callbacks_queue && (expected_.empty() || expected_.front().id)) {
    bad("K1", job.id, "it tells of an end that was told, or none");
  }
  const bool tells = !expected_.empty() && expected_.front().tells;
  const bool by_trigger =
      !tells && doing_ == Doing::tick && !job.tags.empty() && job.tags.back().starts_with("trigger:");
  if (by_trigger)
    begin_batch(job.tags.back().substr(8));
  else if (!tells && doing_ == Doing::tick)
    begin_run();
  const bool by_schedule = !tells && under_way_.has_value();
  if ((doing_ != Doing::command && !by_schedule && !by_trigger && !tells) || expected_.empty() ||
      expected_.front().id) {
    const bool repeated =
        answer_ && (std::holds_alternative<Submitted>(*answer_) || std::holds_alternative<Refusal>(*answer_));
    const auto* submit = answer_ ? std::get_if<ExpectedSubmit>(&*answer_) : nullptr;
    bad(by_schedule ? "T2"
        : repeated  ? "U2"
        : submit    ? submit->keys
                    : "D4",
        job.id, "a new job where none must come of it");
  }
  const Expected move = std::move(expected_.front());
  expected_.pop_front();
  const Spec& spec = *move.spec;
  if (spec.queue != queue || (job.unique_key != spec.unique_key && !job.unique_key.empty())) {
    const auto* submit = answer_ ? std::get_if<ExpectedSubmit>(&*answer_) : nullptr;
    const bool held = !job.unique_key.empty() && unique_held(queue, job.unique_key, now_.wall);
    bad(held                                        ? "U1"
        : submit != nullptr && submit->keys != "U1" ? submit->keys
                                                    : "D3",
        job.id, "it is made where another must be");
  }
  if (job.id.high() <= newest_id_) bad("O1", job.id, "its id does not follow those before");
  newest_id_ = job.id.high();
  if (job.id.priority() != spec.priority || job.priority != spec.priority)
    bad("O2", job.id, "its priority differs");
  if (!spec.unique_key.empty() && unique_held(queue, spec.unique_key, now_.wall)) {
    bad("U1", job.id, "a second live job for its unique key");
  }
  ModelJob known;
  known.spec = move.spec;
  known.queue = job.queue;
  known.created_at = now_.wall;
  known.run_at = move.run_at_min;
  known.moved_at = now_.wall;
  known.status = move.blocked               ? Status::blocked
                 : known.run_at > now_.wall ? Status::delayed
                                            : Status::pending;
  known.member = move.member;
  known.after_parents = move.blocked;
  known.aged = job.aged;
  if (move.moved) go_on(*move.moved, known);
  ModelQueue& home = queues_.at(queue);
  if (home.number == QueueNumber{}) {
    if (static_cast<std::uint32_t>(job.queue) <= newest_queue_)
      bad("S5", job.id, "its queue's number was given before");
    newest_queue_ = static_cast<std::uint32_t>(job.queue);
    home.number = job.queue;
    names_[newest_queue_] = queue;
  }
  if (home.number != job.queue || job.id.queue() != job.queue)
    bad("D3", job.id, "it stands under another queue's number");
  if (!spec.unique_key.empty()) set_key(job.queue, spec.unique_key, ModelKey{job.id, 0});
  if (!move.gathers_under.empty())
    set_key(job.queue, move.gathers_under, ModelKey{job.id, move.gathers_until});
  note_new_in_group(job.id, known);
  put(job.id, std::move(known));
  if (!tells) new_ids_.push_back(job.id);
  if (job.target != spec.target) bad("K1", job.id, "it goes to " + job.target);
  if (!move.trigger.empty()) made_by_trigger(move.trigger, job.id);
  if (under_way_ && !tells) under_way_->then.last_job = job.id;
  const std::string wrong = difference(job, jobs_.at(job.id), false);
  if (!wrong.empty()) bad("D3", job.id, "as submitted: " + wrong);
}

void Model::move_expected(const Job& job, ModelJob& known, Event event) {
  if (expected_.empty() || !expected_.front().id || *expected_.front().id != job.id) {
    const bool waits = known.status != Status::active;
    const bool by_operator =
        event == Event::lease || event == Event::promote || (event == Event::cancel && waits);
    bad(event == Event::replay                               ? "S5"
        : event == Event::unblock || event == Event::suspend ? "E2"
        : by_operator                                        ? "S1"
                                                             : "L2",
        job.id, fmt::format("{} by a command that must not do it", name_of(event)));
  }
  const Expected move = std::move(expected_.front());
  expected_.pop_front();
  if (move.event != event) {
    const bool budget = event == Event::fail || move.event == Event::fail;
    const auto retries = [](Event which) { return which == Event::retry_later || which == Event::retry_now; };
    const bool wait = retries(event) && retries(move.event);
    bad(event == Event::suspend ? "E2"
        : budget                ? "S2"
        : wait                  ? "S3"
                                : "S1",
        job.id, fmt::format("{} where it must {}", name_of(event), name_of(move.event)));
  }
  if (move.event == Event::replay || move.event == Event::block_again) {
    runs_again(job.id);
    if (known.status == Status::completed)
      std::erase_if(known.parents, [](const auto& parent) { return parent.second.added; });
    for (const auto& [id, await] : move.settled) {
      const Bytes result = *await.ended == Status::completed ? await.result : nullptr;
      known.parents[id] = {await.ref, id, *await.ended, result, await.added};
    }
    known.attempts = 0;
    known.stalls = 0;
    ++known.replays;
    known.result = nullptr;
    known.finished_at = 0;
    known.expires_at = 0;
    known.cancel_requested = false;
    if (known.status == Status::completed) known.steps.clear();
    if (!known.spec->unique_key.empty() && !(known.spec->keeps_latest() && known.started_at != 0))
      set_key(known.queue, known.spec->unique_key, ModelKey{job.id, 0});
  }
  const bool attempt = event == Event::complete || event == Event::fail || event == Event::retry_later ||
                       event == Event::retry_now ||
                       (event == Event::cancel && move.by_worker && job.attempts_made > known.attempts);
  if (attempt) ++known.attempts;
  if (attempt && event != Event::complete) add_error(known, move.error_type);
  if (event == Event::complete) known.result = move.result;
  if (event == Event::retry_later || event == Event::release_later || event == Event::postpone) {
    if (job.run_at < move.run_at_min || job.run_at > move.run_at_max) {
      bad(event == Event::postpone ? "S7" : "S3", job.id,
          fmt::format("comes again at {}, not within {}…{}", job.run_at, move.run_at_min, move.run_at_max));
    }
    known.run_at = job.run_at;
  } else if (!is_end(job.status) && event != Event::promote) {
    known.run_at = job.run_at;
  }
  if (event == Event::cancel && known.status == Status::blocked) keep_what_was_told(job, known);
  for (const Step& step : move.steps) known.steps.push_back(step);
  if (event == Event::suspend && move.wait) known.wait = *move.wait;
  if (event == Event::block_again) blocked_again_ = move.awaits;
  known.promoted = event == Event::promote;
  if (move.by_worker) lease_over(known, true, job.status, job.status == Status::delayed ? job.run_at : 0);
}

void Model::lease_over(ModelJob& known, bool by_worker, Status to, Millis run_at) {
  known.settled = known.lease;
  known.settled_by_worker = by_worker;
  known.settled_status = to;
  known.settled_run_at = run_at;
  known.settled_in_run = run_;
  if (known.beats > 0 && by_worker && now_.mono > known.first_expires_mono)
    rare_.add(Rare::heartbeat_kept_a_lease);
  known.lease = LeaseNumber::none;
  known.connection = Ticket::none;
}

void Model::move_by_time(const Job& job, ModelJob& known, Event event) {
  if (event == Event::due) {
    if (known.run_at > now_.wall)
      bad("T1", job.id, fmt::format("became due {} ms early", known.run_at - now_.wall));
    return;
  }
  if (event == Event::unblock) {
    if (!known.wait || known.wait->until == 0 || known.wait->until > now_.wall)
      bad("E2", job.id, "it goes on before its event and its time");
    rare_.add(Rare::wait_timed_out);
    known.steps.push_back({known.wait->as, nullptr});
    known.run_at = job.run_at;
    return;
  }
  if (known.status != Status::active) bad("S1", job.id, fmt::format("time cannot {} it", name_of(event)));
  const std::string type = job.errors.empty() ? std::string() : job.errors.back().type;
  Event must{};
  if (type == "timeout") {
    if (known.timeout_mono > now_.mono) bad("L4", job.id, "its time limit was not over");
    rare_.add(Rare::time_limit_hit);
    Expected move;
    Settlement settlement;
    settlement.error_type = type;
    ModelJob then = known;
    expect_fail(known, settlement, move, then);
    must = move.event;
    if (event == Event::retry_later && (job.run_at < move.run_at_min || job.run_at > move.run_at_max)) {
      bad("S3", job.id,
          fmt::format("comes again at {}, not within {}…{}", job.run_at, move.run_at_min, move.run_at_max));
    }
    ++known.attempts;
    if (!is_end(job.status)) known.run_at = job.run_at;
  } else {
    if (known.expires_mono > now_.mono) {
      bad("L4", job.id, fmt::format("lost its lease {} ms before the end", known.expires_mono - now_.mono));
    }
    if (known.must_go_on || now_.mono - std::max(known.expires_mono, gap_from_) > 1000) {
      bad("L4", job.id, "lost its lease although it was the broker that stood still");
    }
    ++known.stalls;
    must = known.cancel_requested                  ? Event::cancel
           : known.stalls > known.spec->max_stalls ? Event::fail
                                                   : Event::stall;
    rare_.add(must == Event::cancel ? Rare::cancel_beat_stall
              : must == Event::fail ? Rare::stall_budget_exhausted
                                    : Rare::stall);
    if (known.in_grace) rare_.add(Rare::grace_ran_out);
  }
  add_error(known, type);
  if (must != event) {
    bad(must == Event::fail || event == Event::fail ? "S2" : "S1", job.id,
        fmt::format("{} where it must {}", name_of(event), name_of(must)));
  }
  lease_over(known, false, job.status, event == Event::retry_later ? job.run_at : 0);
}

void Model::move_to_worker(const Job& job, ModelJob& known) {
  if (known.lease != LeaseNumber::none) bad("L1", job.id, "was leased while a lease is valid");
  if (known.run_at > now_.wall && !known.promoted)
    bad("T1", job.id, fmt::format("was delivered {} ms early", known.run_at - now_.wall));
  const ModelQueue& queue = queues_.at(known.spec->queue);
  if (queue.settings.paused) bad("O3", job.id, "was delivered from a paused queue");
  if (draining_) bad("O3", job.id, "was delivered while draining");
  check_limits(job.id, known);
  check_lane(job.id, known);
  check_turns(job.id, known, job.worker_id);
  note_start(known);
  const auto& names = worker_names_[job.worker_id];
  bool passed_over = false;
  for (const ReadyKey& key : ready_[known.queue]) {
    const ModelJob& other = jobs_.at(key.id);
    if (other.lane() != known.lane()) continue;  // that has its own turn
    if (known.spec->ordered && key.id != job.id)
      bad("F2", job.id, fmt::format("was delivered before job {} of its strict order", short_id(key.id)));
    if (!names.empty() && std::ranges::find(names, other.spec->name) == names.end()) {
      passed_over = true;
      continue;
    }
    if (key.id == job.id) break;
    bad(key.priority > known.spec->priority ? "O2" : "O1", job.id,
        fmt::format("was delivered to worker {} ({} names) before job {} of priority {}", job.worker_id,
                    names.size(), short_id(key.id), key.priority));
  }
  if (passed_over) rare_.add(Rare::name_filter_passed_over);
  if (known.changed_in_run && *known.changed_in_run != run_)
    rare_.add(Rare::changed_priority_survived_a_restart);
  known.worker = job.worker_id;
  known.resumed_by.clear();
  known.expires_mono = now_.mono + known.spec->lease_ms;
  known.timeout_mono = known.spec->timeout_ms > 0 ? now_.mono + known.spec->timeout_ms : never;
  known.in_grace = false;
  known.may_go_on = known.must_go_on = false;
  known.beats = 0;
  known.first_expires_mono = known.expires_mono;
  if (known.spec->keeps_latest()) free_key(known, job.id);
  known.started_at = now_.wall;
  leased_unnamed_.push_back(job.id);
}

void Model::take_end(const Job& job, ModelJob& known) {
  known.finished_at = now_.wall;
  const Millis keep =
      job.status == Status::failed ? known.spec->retention.failed_ms : known.spec->retention.completed_ms;
  if (keep != 0 && !is_expiry(job.expires_at, now_.wall, keep)) {
    bad("D1", job.id, fmt::format("its end is kept until {}, it should be {} ms", job.expires_at, keep));
  }
  known.expires_at = keep == 0 ? now_.wall : job.expires_at;
  free_key(known, job.id);
  parent_over(job.id, job.status, job.result);
}

void Model::free_key(const ModelJob& job, const JobId& id) {
  if (job.spec->unique_key.empty() || (job.spec->keeps_latest() && job.started_at != 0)) return;
  if (job.spec->unique_for_ms > 0)
    set_key(job.queue, job.spec->unique_key, ModelKey{id, now_.wall + job.spec->unique_for_ms});
  else
    set_key(job.queue, job.spec->unique_key, std::nullopt);
}

void Model::before_tick(Now now) {
  had_their_turn_.clear();
  enter(now);
  gap_from_ = seen_mono_;
  seen_mono_ = now.mono;
  doing_ = Doing::tick;
  expected_.clear();
  answer_.reset();
}

void Model::after_tick(const Machine& machine) {
  after_tick_of_schedules();
  take_new_queues(machine);
  doing_ = Doing::nothing;
  bool any = false;
  const bool stood_still = now_.mono - gap_from_ > 1000;
  for (const JobId& id : active_) {
    ModelJob& job = jobs_.at(id);
    if (job.expires_mono > now_.mono) continue;
    job.may_go_on = job.may_go_on || stood_still;
    job.must_go_on = job.must_go_on || now_.mono - std::max(job.expires_mono, gap_from_) > 1000;
    any = any || job.may_go_on;
  }
  if (any) take_what_goes_on(machine);
}

// Leases that ran out while the broker stood still go on with their full length, from the tick that meets
// them.
void Model::take_what_goes_on(const Machine& machine) {
  for (const auto& [id, lease] : machine.active_leases()) {
    const auto known = jobs_.find(id);
    if (known == jobs_.end() || !known->second.may_go_on || lease.expires_mono <= now_.mono) continue;
    ModelJob& job = known->second;
    rare_.add(Rare::broker_was_stopped);
    if (lease.expires_mono != now_.mono + job.spec->lease_ms)
      bad("L4", id, "its lease goes on for another time than its full length");
    job.expires_mono = lease.expires_mono;
    job.may_go_on = job.must_go_on = job.in_grace = false;
  }
}

void Model::before_match(Now now) {
  enter(now);
  doing_ = Doing::match;
  answer_.reset();
}
void Model::after_match() { doing_ = Doing::nothing; }

}  // namespace pawl::sim
