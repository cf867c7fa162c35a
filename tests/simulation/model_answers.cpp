// What the machine tells: every grant, notice and answer, held against what was predicted.
#include <fmt/core.h>

#include <algorithm>

#include "tests/simulation/model.h"

namespace pawl::sim {

using namespace core;

void Model::granted(Ticket to, const Granted& reply) {
  const auto waiter = waiters_.find(to);
  if (reply.jobs.empty()) {
    rare_.add(Rare::poll_answered_empty);
    if (waiter != waiters_.end() && !waiter->second.connection) waiters_.erase(waiter);
    return;
  }
  if (waiter == waiters_.end())
    bad("L1", reply.jobs.front().id, "was granted to a waiter that does not wait");
  const ModelWaiter& worker = waiter->second;
  std::size_t held = 0;
  for (const JobId& id : active_) held += worker.connection && jobs_.at(id).connection == to ? 1 : 0;
  if (held + reply.jobs.size() > worker.credit)
    bad("O3", reply.jobs.front().id, "is more than the worker's credit");
  for (const GrantedJob& job : reply.jobs) {
    const auto named = std::ranges::find(leased_unnamed_, job.id);
    if (named == leased_unnamed_.end()) bad("L1", job.id, "was granted without becoming active now");
    leased_unnamed_.erase(named);
    ModelJob& known = jobs_.at(job.id);
    const Spec& spec = *known.spec;
    if (static_cast<std::uint64_t>(job.lease) <= newest_lease_)
      bad("L3", job.id, "its lease number does not grow");
    if (job.lease <= known.newest_lease) bad("L3", job.id, "its lease number is not above its last one");
    newest_lease_ = static_cast<std::uint64_t>(job.lease);
    known.lease = known.newest_lease = job.lease;
    known.connection = worker.connection ? to : Ticket::none;
    if (std::ranges::find(worker.queues, spec.queue) == worker.queues.end())
      bad("O3", job.id, "the worker did not ask for its queue");
    if (!worker.names.empty() && std::ranges::find(worker.names, spec.name) == worker.names.end()) {
      bad("O3", job.id, "the worker did not ask for its name");
    }
    if (!same_bytes(job.payload, spec.payload)) bad("D3", job.id, "its payload changed");
    if (const std::string wrong = difference_of_steps(job.steps, known); !wrong.empty())
      bad("E1", job.id, "the worker is told other steps: " + wrong);
    if (const std::string wrong = difference_of_parents(job.parents, known); !wrong.empty())
      bad("W1", job.id, "the worker is told other parents: " + wrong);
    if (job.attempt != known.attempts + 1 || job.max_attempts != spec.max_attempts ||
        job.stalls != known.stalls) {
      bad("S2", job.id, "the worker is told a wrong attempt");
    }
    if (job.lease_ms != spec.lease_ms || job.lease_expires_at != now_.wall + spec.lease_ms) {
      bad("L4", job.id, "the worker is told a wrong end of its lease");
    }
    if (job.queue != spec.queue || job.name != spec.name || job.priority != spec.priority) {
      bad("D3", job.id, "the worker is told a wrong queue, name or priority");
    }
    if (worker.connection && waiter->second.served.insert(spec.queue).second &&
        waiter->second.served.size() == 2) {
      rare_.add(Rare::weights_served_two_queues);
    }
    trace_.add("granted", job.id, static_cast<std::int64_t>(job.lease), static_cast<std::int64_t>(to));
  }
  if (!worker.connection) waiters_.erase(waiter);
}

void Model::replied(Ticket to, const Reply& reply) {
  trace_.add("reply", {}, static_cast<std::int64_t>(to), static_cast<std::int64_t>(reply.index()));
  if (const auto* grant = std::get_if<Granted>(&reply)) return granted(to, *grant);
  if (const auto* notice = std::get_if<Notice>(&reply)) {
    if (!waiters_.contains(to) && notice->kind != Notice::Kind::lease_lost) {
      violated("L5", "a notice to a worker that is not connected");
    }
    return;
  }
  if (doing_ != Doing::command || to != asker_) violated("D2", "an answer to nobody's question");
  if (!answer_) violated("D2", "a command was answered twice");
  check_answer(to, reply);
  answer_.reset();
}

void Model::check_answer(Ticket, const Reply& reply) {
  const Answer& answer = *answer_;
  if (const auto* refusal = std::get_if<Refusal>(&answer)) {
    const auto* refused = std::get_if<Refused>(&reply);
    if (refused == nullptr || refused->why != *refusal) {
      const std::string_view invariant = *refusal == Refusal::idempotency_mismatch ? "U2"
                                         : *refusal == Refusal::lease_lost         ? "L2"
                                         : *refusal == Refusal::unique_key_taken   ? "U1"
                                         : *refusal == Refusal::unknown_schedule   ? "T4"
                                         : *refusal == Refusal::schedule_in_use    ? "T4"
                                         : *refusal == Refusal::unknown_trigger    ? "E3"
                                         : *refusal == Refusal::unknown_limit      ? "Q4"
                                         : *refusal == Refusal::limit_in_use       ? "Q4"
                                                                                   : "S1";
      violated(invariant,
               fmt::format("a command that must be refused ({}) got {}", static_cast<int>(*refusal),
                           refused ? fmt::format("refusal {}", static_cast<int>(refused->why))
                                   : fmt::format("answer {}", reply.index())));
    }
    return;
  }
  if (const auto* refused = std::get_if<Refused>(&reply)) {
    if (std::holds_alternative<Anything>(answer) && refused->why != Refusal::lease_lost) return;
    violated(refused->why == Refusal::unknown_schedule ? "T4"
             : refused->why == Refusal::unknown_limit  ? "Q4"
                                                       : "S1",
             fmt::format("a command was refused without reason: {} ({})", static_cast<int>(refused->why),
                         refused->detail));
  }
  if (const auto* repeat = std::get_if<Submitted>(&answer)) {
    const auto& told = std::get<Submitted>(reply);
    bool same = told.repeated && told.jobs.size() == repeat->jobs.size();
    for (std::size_t i = 0; same && i < told.jobs.size(); ++i) same = told.jobs[i].id == repeat->jobs[i].id;
    if (!same) violated("U2", "a repeated submit did not get the first answer again");
  } else if (std::holds_alternative<ExpectedSubmit>(answer)) {
    check_submitted(std::get<Submitted>(reply));
  } else if (std::holds_alternative<std::vector<ExpectedSettle>>(answer)) {
    check_settled(std::get<Settled>(reply));
  } else if (const auto* change = std::get_if<ExpectedChange>(&answer)) {
    const auto& told = std::get<JobChanged>(reply);
    if (change->made_anew && (new_ids_.size() != 1 || told.id != new_ids_.front()))
      bad("S5", told.id, "the answer names another job than the one that was made");
    if ((!change->made_anew && told.id != change->id) || told.status != change->status ||
        told.cancel_requested != change->cancel_requested) {
      bad("S1", change->id, fmt::format("the answer says {}", name_of(told.status)));
    }
  } else if (const auto* beats = std::get_if<ExpectedBeats>(&answer)) {
    const auto& told = std::get<HeartbeatDone>(reply);
    for (std::size_t i = 0; i < beats->results.size(); ++i) {
      const auto& [refused, id] = beats->results[i];
      const auto got = told.results.at(i).refused;
      if (refused.has_value() != got.has_value() || (refused && *refused != got->why))
        bad("L2", id, "heartbeat answered wrongly");
      if (!refused && told.results[i].cancel_requested != jobs_.at(id).cancel_requested)
        bad("S6", id, "its worker is not told of the cancel");
    }
  } else if (const auto* opened = std::get_if<ExpectedOpened>(&answer)) {
    const auto& told = std::get<WorkerOpened>(reply);
    if (told.resumed != opened->resumed || told.lost != opened->lost)
      violated("L5", "a worker goes on with other leases than it holds");
  } else if (const auto* graph = std::get_if<ExpectedGraph>(&answer)) {
    check_graph(*graph, std::get<WorkflowSubmitted>(reply));
  } else if (const auto* step = std::get_if<ExpectedStep>(&answer)) {
    const auto& told = std::get<StepKept>(reply);
    if (told.repeated != step->repeated || told.step.name != step->step.name ||
        !same_bytes(told.step.result, step->step.result))
      violated("E1", "a step is told to be kept otherwise than it is: " + told.step.name);
  } else if (const auto* raised = std::get_if<ExpectedRaised>(&answer)) {
    const auto& told = std::get<EventRaised>(reply);
    if (told.resumed != raised->resumed) violated("E2", "an event is told to have woken more or fewer");
    if (told.started != raised->started || told.gathered != raised->gathered)
      violated("E3", "an event is told to have started more or fewer");
  } else if (const auto* trigger = std::get_if<ExpectedTrigger>(&answer)) {
    const auto& told = std::get<TriggerView>(reply);
    if (told.row.trigger.id != trigger->id) violated("E3", "another trigger is shown than " + trigger->id);
    check_trigger(told);
  } else if (const auto* schedule = std::get_if<ExpectedSchedule>(&answer)) {
    const auto& told = std::get<ScheduleView>(reply);
    if (told.row.schedule.id != schedule->id)
      violated("T4", "another schedule is shown than " + schedule->id);
    check_view(told, true);
  } else if (std::holds_alternative<ExpectedSchedules>(answer)) {
    audit_schedules(std::get<ScheduleList>(reply).schedules);
  } else if (const auto* gone = std::get_if<ExpectedScheduleGone>(&answer)) {
    if (std::get<ScheduleDeleted>(reply).schedule != gone->id)
      violated("T4", "another schedule is deleted than " + gone->id);
  } else if (const auto* limit = std::get_if<ExpectedLimit>(&answer)) {
    const auto& told = std::get<LimitView>(reply);
    if (told.row.name != limit->name) violated("Q4", "another limit is shown than " + limit->name);
    check_limit(told);
  } else if (std::holds_alternative<ExpectedLimits>(answer)) {
    const auto& told = std::get<LimitList>(reply).limits;
    if (told.size() != limits_named_.size()) violated("Q4", "more or fewer limits are shown");
    for (const LimitView& view : told) check_limit(view);
  } else if (const auto* group = std::get_if<ExpectedGroup>(&answer)) {
    const auto& told = std::get<GroupView>(reply);
    if (told.queue != group->queue || told.group != group->group) violated("Q8", "another group is shown");
    check_group(told);
  } else if (const auto* groups = std::get_if<ExpectedGroups>(&answer)) {
    check_groups(std::get<GroupList>(reply), groups->asked);
  } else if (const auto* queue = std::get_if<QueueView>(&reply)) {
    check_view(*queue);
  } else if (const auto* list = std::get_if<QueueList>(&reply)) {
    for (const QueueView& listed : list->queues) check_view(listed);
  } else if (const auto* reason = std::get_if<Reason>(&reply)) {
    check_reason(*reason);
  } else if (const auto* view = std::get_if<JobView>(&reply)) {
    if (!jobs_.contains(view->job.id)) bad("D4", view->job.id, "is shown and nobody submitted it");
    check_record(view->job, false, "GET");
  }
}

void Model::check_submitted(const Submitted& reply) {
  const auto& items = std::get<ExpectedSubmit>(*answer_).items;
  const std::string_view keys = std::get<ExpectedSubmit>(*answer_).keys;
  if (reply.repeated || reply.jobs.size() != items.size())
    violated("U2", "a first submit is answered as a repeated one");
  std::size_t next_new = 0;
  std::vector<JobId> ids;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& told = reply.jobs[i];
    std::optional<JobId> must = items[i].id;
    if (!must && items[i].same_as) must = ids.at(*items[i].same_as);
    if (told.deduplicated != items[i].same_as.has_value())
      bad(keys, told.id, "deduplicated or not is told wrongly");
    if (!must) must = next_new < new_ids_.size() ? new_ids_[next_new++] : JobId{};
    if (told.id != *must) bad(told.deduplicated ? keys : "D1", told.id, "the answer names another job");
    const auto known = jobs_.find(told.id);
    if (!told.deduplicated && known == jobs_.end()) bad("D1", told.id, "the answer names no job");
    if (find(told.id, now_.wall) != nullptr && known->second.status != told.status)
      bad("D1", told.id, "a wrong status is told");
    ids.push_back(told.id);
  }
  const auto& asked = std::get<ExpectedSubmit>(*answer_).idempotency;
  if (asked)
    set_idempotency(asked->key, ModelIdempotency{asked->body_hash, now_.wall + 86'400'000, reply.jobs, run_});
}

void Model::check_settled(const Settled& reply) {
  const auto& results = std::get<std::vector<ExpectedSettle>>(*answer_);
  if (reply.results.size() != results.size())
    violated("L2", "a settle with more or fewer answers than questions");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ExpectedSettle& must = results[i];
    const SettleResult& told = reply.results[i];
    const bool refused = told.refused.has_value();
    if (must.refused.has_value() != refused || (refused && told.refused->why != *must.refused)) {
      bad("L2", must.id, refused ? "its settle was refused" : "a stale settle was taken");
    }
    if (refused) continue;
    if (told.status != must.status)
      bad("L2", must.id, fmt::format("its settle was answered {}", name_of(told.status)));
    if (must.repeated && must.run_at >= 0 && told.run_at != must.run_at)
      bad("L2", must.id, "a repeated settle got another time");
  }
}

}  // namespace pawl::sim
